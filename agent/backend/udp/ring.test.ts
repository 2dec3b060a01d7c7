import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRing } from './ring.ts';

const longest = 100;
const size = 300;

test('a place is never where something waits, and always in the memory', () => {
  const step = fc.record({
    length: fc.integer({ min: 1, max: longest }),
    keeps: fc.boolean(),
    releases: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ring = makeRing(size, longest);
      let waiting: { from: number; to: number }[] = [];
      for (const { length, keeps, releases } of steps) {
        if (releases) {
          ring.release();
          waiting = [];
        }
        const place = ring.place();
        if (place === null) {
          expect(waiting).not.toEqual([]);
          ring.release();
          waiting = [];
          continue;
        }
        expect(place).toBeGreaterThanOrEqual(0);
        expect(place + longest).toBeLessThanOrEqual(size);
        for (const { from, to } of waiting) expect(place + longest <= from || place >= to).toBe(true);
        if (!keeps) continue;
        waiting.push({ from: place, to: place + length });
        ring.keep(place, place + length);
      }
    }),
    { numRuns: 1000 },
  );
});

test('behind one that waits there is a place for another, for ever', () => {
  const ring = makeRing(size, longest);
  for (let turn = 0; turn < 20; turn += 1) {
    const place = ring.place();
    expect([turn, place]).toEqual([turn, expect.any(Number)]);
    // What waited leaves with the first part of this one, the rest of which waits in turn.
    ring.release();
    ring.keep(place ?? 0, (place ?? 0) + longest);
  }
});

test('small ones that all wait fill the memory before they have to leave', () => {
  const ring = makeRing(size, longest);
  let kept = 0;
  for (let place = ring.place(); place !== null; place = ring.place()) {
    ring.keep(place, place + 10);
    kept += 1;
  }
  // Twelve bytes each, as the next one's place is a multiple of four, until no longest one fits.
  expect(kept).toBe(17);
  ring.release();
  expect(ring.place()).toBe(0);
});
