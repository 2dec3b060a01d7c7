import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clusterEntries } from './cluster.ts';
import { testEntry } from './fixture.ts';
import { indexAt, momentOf } from './moment.ts';

const base = Date.UTC(2026, 0, 1);

test('entries that are near to each other are one mark with the worst level', () => {
  const history = [
    testEntry(0, { level: 'good' }),
    testEntry(1, { level: 'bad' }),
    testEntry(2, { level: 'warning' }),
    testEntry(500, { level: 'good' }),
  ];
  const clusters = clusterEntries(history, { from: base, to: base + 1_000_000 }, 1000, 10);
  expect(clusters.map(({ first, last, level }) => ({ first, last, level }))).toEqual([
    { first: 0, last: 2, level: 'bad' },
    { first: 3, last: 3, level: 'good' },
  ]);
  expect(clusters[1]?.x).toBeCloseTo(500);
});

test('every entry inside the window is in exactly one mark, and no mark is outside', () => {
  const seconds = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 300 });
  fc.assert(
    fc.property(
      seconds,
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 10, max: 5000 }),
      (times, start, span) => {
        const history = times.sort((one, other) => one - other).map((second) => testEntry(second, {}));
        const window = { from: base + start * 1000, to: base + (start + span) * 1000 };
        const clusters = clusterEntries(history, window, 800);
        const inside = history.filter(
          (entry) => momentOf(entry) >= window.from && momentOf(entry) < window.to,
        );
        expect(clusters.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(inside.length);
        for (const { x } of clusters) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x).toBeLessThanOrEqual(800);
        }
        for (const [index, { first }] of clusters.entries())
          if (index > 0) expect(first).toBe((clusters[index - 1]?.last ?? -2) + 1);
      },
    ),
  );
});

test('there are never more marks than there is room for', () => {
  const history = Array.from({ length: 10_000 }, (_, index) => testEntry(index, {}));
  const clusters = clusterEntries(history, { from: base, to: base + 10_000_000 }, 1200);
  expect(clusters.length).toBeLessThanOrEqual(Math.ceil(1200 / 14) + 1);
});

test('the first entry at or after a moment is found', () => {
  const history = [1, 2, 2, 5].map((second) => testEntry(second, {}));
  expect([0, 2, 3, 9].map((second) => indexAt(history, base + second * 1000))).toEqual([0, 1, 3, 4]);
});
