import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sample } from '../../contract/live.ts';
import { latestOf, overlayFlow, restingRate, speedOf, underlayFlow, widthOf } from './traffic.ts';

const sample = (at: number, received: number, sent: number): Sample => ({
  host: 'h1',
  at,
  cpu: 0.1,
  processors: 2,
  steal: 0,
  memoryBytes: 1,
  memoryLimitBytes: null,
  overlay: { receivedBytes: received, sentBytes: sent, drops: 0 },
  underlay: { receivedBytes: received * 2, sentBytes: sent * 2, drops: 0 },
  peers: null,
});

test('only a fresh sample tells of now', () => {
  expect(latestOf([sample(1000, 1, 1)], 5000)?.at).toBe(1000);
  expect(latestOf([sample(1000, 1, 1)], 60_000)).toBeNull();
  expect(latestOf(undefined, 0)).toBeNull();
});

test('between two hosts no more goes than the one sends and the other receives', () => {
  const end = (one: Sample | null) => ({ subnet: '10.5.1.0/24', sample: one });
  expect(overlayFlow(end(sample(0, 500, 100)), end(sample(0, 80, 900)))).toEqual({
    certainty: 'at most',
    out: 80,
    back: 500,
  });
  expect(overlayFlow(end(sample(0, 1, 1)), end(null))).toBeNull();
});

test('between two hosts goes what the agent of either has counted', () => {
  const [one, two] = ['10.5.1.0/24', '10.5.2.0/24'];
  const counting = { ...sample(0, 500, 100), peers: [{ subnet: two, receivedBytes: 30, sentBytes: 20 }] };
  const flow = { certainty: 'counted', out: 20, back: 30 };
  const far = { subnet: two, sample: null };
  expect(overlayFlow({ subnet: one, sample: counting }, far)).toEqual(flow);
  expect(overlayFlow(far, { subnet: one, sample: counting })).toEqual({ ...flow, out: 30, back: 20 });
  const third = { subnet: '10.5.3.0/24', sample: null };
  expect(overlayFlow({ subnet: one, sample: counting }, third)).toEqual({ ...flow, out: 0, back: 0 });
});

test('the underlay is as the kernel counts it', () => {
  expect(underlayFlow(sample(0, 10, 20))).toEqual({ certainty: 'counted', out: 40, back: 20 });
  expect(underlayFlow({ ...sample(0, 1, 1), underlay: null })).toBeNull();
});

test('a link is wider and quicker with more traffic, within bounds, and rests without', () => {
  const rate = fc.double({ min: 0, max: 1e10, noNaN: true });
  fc.assert(
    fc.property(rate, rate, (one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      const width = widthOf({ certainty: 'counted', out: more, back: 0 });
      expect(widthOf({ certainty: 'counted', out: less, back: 0 })).toBeLessThanOrEqual(width);
      expect(speedOf(less)).toBeLessThanOrEqual(speedOf(more));
      return width >= 1.75 && width <= 8;
    }),
  );
  expect(speedOf(restingRate / 2)).toBe(0);
  expect(widthOf(null)).toBe(1.75);
});
