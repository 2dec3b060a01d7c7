import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outputStep } from './output-order.ts';

/** Plays chunks as a terminal does and returns what stands on its screen. */
function play(chunks: readonly number[]): number[] {
  let expected: number | null = null;
  let screen: number[] = [];
  for (const sequence of chunks) {
    const step = outputStep(expected, sequence);
    if (step === 'ignore') continue;
    screen = step === 'replace' ? [sequence] : [...screen, sequence];
    expected = sequence + 1;
  }
  return screen;
}

test('the first chunk is written, whichever it is: a long terminal keeps only its end', () => {
  expect(play([57, 58])).toEqual([57, 58]);
});

test('a stream that begins again from any kept chunk shows each chunk once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 39 })),
      (length, restarts) => {
        const all = Array.from({ length }, (_, index) => index);
        const received = [...restarts.flatMap((start) => all.slice(Math.min(start, 1), start)), ...all];
        const shown = play(received);
        expect(shown.at(-1)).toBe(length - 1);
        expect(shown).toEqual(all.slice(shown[0]));
      },
    ),
  );
});

test('after a gap the screen begins again, so that nothing stands there that does not belong together', () => {
  expect(play([0, 1, 2, 7, 8])).toEqual([7, 8]);
});
