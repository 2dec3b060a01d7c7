import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteCommand, quoteWord } from './quote.ts';

/** The argv that a real shell makes of a command line. */
const shells = ['sh', 'bash'];
const heard = (shell: string, line: string): string[] =>
  execFileSync(shell, ['-c', `for word in ${line}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      '\n',
      "'",
      '"',
      '\\',
      '$',
      '`',
      '!',
      ' ',
      '\t',
      '*',
      '?',
      '~',
      '{',
      '}',
      '(',
      ')',
      '&',
      '|',
      ';',
      '<',
      '>',
      '#',
      '-',
      '=',
      'a',
      '\r',
      '\u001b',
      'é',
      '漢',
      '🙂',
    ),
    maxLength: 12,
  }),
  fc.constantFrom(
    '',
    '-n',
    '--',
    '-',
    '.',
    '..',
    '~',
    '~root',
    '$HOME',
    '*',
    'a=b',
    'do',
    'done',
    'in',
    '!',
    '[[',
    "'",
    "''",
    "'\\''",
    '\n',
    '\n\n',
    'x\n',
  ),
);
const argv = fc.array(
  word.filter((text) => !text.includes('\0')),
  { minLength: 1, maxLength: 60 },
);

test.each(shells)('what is quoted is what %s hears', (shell) => {
  fc.assert(
    fc.property(argv, (words) => {
      expect(heard(shell, quoteCommand(words))).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

test('plain words stay readable', () => {
  expect(
    quoteCommand(['systemctl', 'start', 'flatland-etcd.service', '--lines=5', '/a/b', 'a@b', 'x:y']),
  ).toBe('systemctl start flatland-etcd.service --lines=5 /a/b a@b x:y');
  expect(quoteWord('')).toBe("''");
  expect(quoteWord("it's")).toBe("'it'\\''s'");
});

test('a NUL byte can be in no argument', () => {
  expect(() => quoteWord('a\0b')).toThrow('NUL');
});
