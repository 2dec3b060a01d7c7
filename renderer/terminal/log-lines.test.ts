import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addText, cutAtHits, noLines, readable } from './log-lines.ts';

test('a text gives the same lines however it is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' ')),
      fc.array(fc.nat(60)),
      (parts, cuts) => {
        const text = parts.join('');
        const points = [
          0,
          ...cuts.map((cut) => Math.min(cut, text.length)).sort((one, other) => one - other),
          text.length,
        ];
        let log = noLines;
        points.forEach((point, index) => {
          log = addText(log, text.slice(points[index - 1] ?? 0, point), 1000);
        });
        expect(log.lines).toEqual(addText(noLines, text, 1000).lines);
        expect(log.lines.map((line) => line.text)).toEqual(
          text
            .split('\n')
            .slice(0, -1)
            .map((line) => line.replace('\r', '')),
        );
      },
    ),
  );
});

test('only the last lines are kept, and each keeps its number', () => {
  let log = addText(noLines, 'a\nb\nc\n', 2);
  expect(log.lines).toEqual([
    { number: 2, text: 'b' },
    { number: 3, text: 'c' },
  ]);
  log = addText(log, 'd\ne', 2);
  expect(log.lines).toEqual([
    { number: 3, text: 'c' },
    { number: 4, text: 'd' },
  ]);
  expect(log.rest).toBe('e');
});

test.each([
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;title\u0007text', 'text'],
  ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['10 %\r50 %\r100 %\r', '100 %'],
  ['a\u0000b\u0008c', 'abc'],
  ['\u001b(Bplain\u001b=', 'plain'],
  ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
])('%j reads as %j', (line, text) => {
  expect(readable(line)).toBe(text);
});

test('nothing that steers a terminal is left in any line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (line) => {
      expect(readable(line)).not.toMatch(/(?!\t)\p{Cc}/u);
    }),
  );
});

test('the pieces of a line are the line, and the hits are the search', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1, maxLength: 3 }), (text, search) => {
      const pieces = cutAtHits(text, search);
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
      for (const piece of pieces) if (piece.hit) expect(piece.text.toLowerCase()).toBe(search.toLowerCase());
    }),
  );
  expect(cutAtHits('Error: error', 'error').map(({ hit }) => hit)).toEqual([true, false, true]);
});
