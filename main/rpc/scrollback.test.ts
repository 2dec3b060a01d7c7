import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scrollback } from './scrollback.ts';

const limit = 100;

it('keeps the last bytes with their sequence numbers, whole chunks, never more than its limit and one chunk', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 400 }), fc.nat(450), (sizes, from) => {
      const kept = scrollback(limit);
      sizes.forEach((size, index) => {
        kept.add(Buffer.alloc(size, index % 256));
      });
      const read: number[] = [];
      let bytes = 0;
      for (let chunk = kept.from(0); chunk !== null; chunk = kept.from(chunk.sequence + 1)) {
        expect(chunk.data.equals(Buffer.alloc(sizes[chunk.sequence] ?? 0, chunk.sequence % 256))).toBe(true);
        read.push(chunk.sequence);
        bytes += chunk.data.length;
      }
      // What is kept follows on without a gap, to the very last chunk.
      expect(read).toEqual(sizes.map((_, index) => index).slice(sizes.length - read.length));
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(kept.bytesFrom(0)).toBe(bytes);
      expect(kept.from(from)?.sequence ?? null).toBe(
        from >= sizes.length ? null : Math.max(from, sizes.length - read.length),
      );
    }),
  );
});

it('keeps a chunk that is larger than its limit, since it is the last one', () => {
  const kept = scrollback(limit);
  kept.add(Buffer.alloc(10));
  kept.add(Buffer.alloc(500));
  expect(kept.from(0)?.sequence).toBe(1);
});

it('keeps long outputs of small parts without copying them each time', () => {
  const kept = scrollback(1000);
  for (let index = 0; index < 200_000; index += 1) kept.add(Buffer.from('x'));
  expect(kept.from(0)?.sequence).toBe(199_000);
});
