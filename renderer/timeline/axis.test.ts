import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pan, tickLabel, ticks, toMoment, toX, windowOf, zoom } from './axis.ts';

const now = Date.UTC(2026, 0, 1, 12);

test('a range that follows ends a little after now; all of it begins with the first entry', () => {
  expect(windowOf({ kind: 'following', span: 60_000 }, now, null)).toEqual({
    from: now - 60_000,
    to: now + 1800,
  });
  const all = windowOf({ kind: 'following', span: 'all' }, now, now - 3_600_000);
  expect(all.from).toBeLessThan(now - 3_600_000);
  expect(windowOf({ kind: 'fixed', from: 1, to: 2 }, now, null)).toEqual({ from: 1, to: 2 });
});

test('zooming keeps what is under the pointer, and pixels and moments are each other back', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.2, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 1000, noNaN: true }),
      (factor, x) => {
        const window = { from: now - 600_000, to: now };
        const around = toMoment(window, 1000, x);
        expect(toX(window, 1000, around)).toBeCloseTo(x, 3);
        expect(toX(zoom(window, factor, around), 1000, around)).toBeCloseTo(x, 3);
      },
    ),
  );
  expect(pan({ from: 1, to: 2 }, 5)).toEqual({ from: 6, to: 7 });
});

test('ticks are round, inside, and not too near to each other', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2000, max: 40 * 86_400_000 }),
      fc.integer({ min: 200, max: 3000 }),
      (span, width) => {
        const window = { from: now - span, to: now };
        const { step, moments } = ticks(window, width, 96, 0);
        expect((step / span) * width).toBeGreaterThanOrEqual(95.9);
        for (const moment of moments) {
          expect(moment % step).toBe(0);
          expect(moment).toBeGreaterThanOrEqual(window.from);
          expect(moment).toBeLessThanOrEqual(window.to);
        }
      },
    ),
  );
});

test('a tick is as exact as the ticks are far apart', () => {
  expect(tickLabel(now, 1000).split(':')).toHaveLength(3);
  expect(tickLabel(now, 60_000).split(':')).toHaveLength(2);
  expect(tickLabel(now, 86_400_000)).not.toContain(':');
});
