import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sample } from '../../contract/live.ts';
import { latestOf, overlayBound, restingRate, speedOf, underlayFlow, widthOf } from './traffic.ts';

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
});

test('only a fresh sample tells of now', () => {
  expect(latestOf([sample(1000, 1, 1)], 5000)?.at).toBe(1000);
  expect(latestOf([sample(1000, 1, 1)], 60_000)).toBeNull();
  expect(latestOf(undefined, 0)).toBeNull();
});

test('between two hosts no more goes than the one sends and the other receives', () => {
  expect(overlayBound(sample(0, 500, 100), sample(0, 80, 900))).toEqual({ out: 80, back: 500 });
  expect(overlayBound(sample(0, 1, 1), null)).toBeNull();
});

test('the underlay is as the kernel counts it', () => {
  expect(underlayFlow(sample(0, 10, 20))).toEqual({ out: 40, back: 20 });
  expect(underlayFlow({ ...sample(0, 1, 1), underlay: null })).toBeNull();
});

test('a link is wider and quicker with more traffic, within bounds, and rests without', () => {
  const rate = fc.double({ min: 0, max: 1e10, noNaN: true });
  fc.assert(
    fc.property(rate, rate, (one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      const width = widthOf({ out: more, back: 0 });
      expect(widthOf({ out: less, back: 0 })).toBeLessThanOrEqual(width);
      expect(speedOf(less)).toBeLessThanOrEqual(speedOf(more));
      return width >= 1.75 && width <= 8;
    }),
  );
  expect(speedOf(restingRate / 2)).toBe(0);
  expect(widthOf(null)).toBe(1.75);
});
