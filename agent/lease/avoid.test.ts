import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAvoidance } from './avoid.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Members that answer or not, and how often each was asked. */
function membersOf(...down: readonly string[]) {
  const policyOf = createAvoidance(['a', 'b'], (error) => error === 'no answer');
  const asked: string[] = [];
  const isDown = new Set(down);
  const ask = (member: string, failure = 'no answer') =>
    policyOf(member)
      .execute(() => {
        asked.push(member);
        if (isDown.has(member)) throw failure;
        return 'answer';
      })
      .catch((error: unknown) => error);
  return { ask, asked, isDown };
}

test('a member that was asked in vain is left alone for two seconds', async () => {
  const { ask, asked } = membersOf('a');
  expect(await ask('a')).toBe('no answer');
  expect(await ask('a')).toBe('no answer');
  expect(await ask('b')).toBe('answer');
  expect(asked).toEqual(['a', 'b']);
  vi.advanceTimersByTime(2001);
  await ask('a');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a wall clock that jumps back a day changes nothing', async () => {
  const { ask, asked } = membersOf('a');
  await ask('a');
  vi.setSystemTime(Date.now() - 86_400_000);
  vi.advanceTimersByTime(2001);
  await ask('a');
  expect(asked).toEqual(['a', 'a']);
});

test('when none answers all are asked, so that the first one that is back is found at once', async () => {
  const { ask, asked, isDown } = membersOf('a', 'b');
  await ask('a');
  await ask('b');
  isDown.delete('a');
  expect(await ask('a')).toBe('answer');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a refusal is an answer', async () => {
  const { ask, asked } = membersOf('a');
  expect(await ask('a', 'refused')).toBe('refused');
  expect(await ask('a', 'refused')).toBe('refused');
  expect(asked).toEqual(['a', 'a']);
});
