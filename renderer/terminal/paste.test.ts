import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onOneLine, readPaste } from './paste.ts';

test.each([
  ['ls', 1],
  ['ls\n', 1],
  ['ls\r\n', 1],
  ['ls\npwd', 2],
  ['ls\r\npwd\r\n\r\n', 2],
  ['a\rb', 2],
])('%j has %d lines', (text, lines) => {
  expect(readPaste(text).lines).toHaveLength(lines);
});

test('nothing of it can end a bracketed paste or steer the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (before, after) => {
      const { text } = readPaste(`${before}\u001b[201~\u009b201~${after}`);
      expect([...text].every((each) => each >= ' ' || each === '\n' || each === '\t')).toBe(true);
      expect(text).not.toContain('\u001b');
      expect(text).not.toContain('\u009b');
    }),
  );
});

test('one line joins the lines by a space', () => {
  expect(onOneLine(readPaste('echo a \n\n  b\n'))).toBe('echo a b');
});
