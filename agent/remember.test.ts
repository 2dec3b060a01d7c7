import { expect, test } from 'vitest';
import { rememberLast } from './remember.ts';

test('the same arguments, or equal ones, give the same result; others another', () => {
  let calls = 0;
  const join = rememberLast((words: readonly string[], ends: ReadonlyMap<string, string>) => {
    calls += 1;
    return { text: [...words, ...ends.values()].join(' ') };
  });
  const words = ['a', 'b'];
  const first = join(words, new Map());
  expect(join(words, new Map())).toBe(first);
  expect(join(['a', 'b'], new Map())).toBe(first);
  expect(calls).toBe(1);
  expect(join(words, new Map([['x', 'c']])).text).toBe('a b c');
  expect(join(['a'], new Map([['x', 'c']])).text).toBe('a c');
  // Only the last is kept.
  expect(join(words, new Map())).not.toBe(first);
  expect(calls).toBe(4);
});
