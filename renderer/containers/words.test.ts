import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinWords, splitWords } from './words.ts';

test.each([
  ['', []],
  ['  ping  -c 3 10.77.1.2 ', ['ping', '-c', '3', '10.77.1.2']],
  [`sh -c 'echo "$HOME" | cat'`, ['sh', '-c', 'echo "$HOME" | cat']],
  [`a"b c"'d e'f`, ['ab cd ef']],
  [`echo "a\\"b" a\\ b "\\n"`, ['echo', 'a"b', 'a b', '\\n']],
  [`'' ""`, ['', '']],
  ['$(reboot) `x` ;', ['$(reboot)', '`x`', ';']],
])('%s', (line, words) => {
  expect(splitWords(line)).toEqual({ ok: true, words });
});

test.each([`echo 'a`, `echo "a`, 'echo \\'])('%s says what is wrong', (line) => {
  expect(splitWords(line).ok).toBe(false);
});

test('joined words are split into the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
      expect(splitWords(joinWords(words))).toEqual({ ok: true, words });
    }),
  );
});
