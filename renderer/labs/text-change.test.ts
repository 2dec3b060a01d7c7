import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeBetween } from './text-change.ts';

test('a change makes one text the other and touches no more than it must', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (head, middle, other, tail) => {
      const before = head + middle + tail;
      const after = head + other + tail;
      const change = changeBetween(before, after);
      const made =
        change === null ? before : before.slice(0, change.from) + change.insert + before.slice(change.to);
      expect(made).toBe(after);
      if (change !== null) expect(change.to - change.from).toBeLessThanOrEqual(middle.length);
    }),
  );
});
