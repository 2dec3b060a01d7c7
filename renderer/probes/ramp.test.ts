import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rampRange, rampStep, rampSteps } from './ramp.ts';

test('slower is never a lower step, and the steps stay on the ramp', () => {
  const time = fc.double({ min: 0.001, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), time, time, (times, one, other) => {
      const range = rampRange(times);
      if (range === null) throw new Error('no range');
      const [low, high] = [rampStep(Math.min(one, other), range), rampStep(Math.max(one, other), range)];
      expect(low).toBeGreaterThanOrEqual(0);
      expect(low).toBeLessThanOrEqual(high);
      expect(high).toBeLessThan(rampSteps);
    }),
  );
});

test('times that hardly differ share a step or two', () => {
  const range = rampRange([0.2, 0.21, 0.22]);
  expect(range).toEqual({ low: 0.2, high: 0.8 });
  expect(range && rampStep(0.22, range)).toBe(0);
  expect(rampRange([])).toBeNull();
});
