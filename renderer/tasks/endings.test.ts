import { expect, test } from 'vitest';
import { endedBetween } from './endings.ts';
import { testTask } from './fixture.ts';

const running = testTask([], { id: 'a' });
const done = { ...running, state: 'done' } as const;

test('a task ends once, and one that was over when it was first seen has not just ended', () => {
  expect(endedBetween([running], [done])).toEqual([done]);
  expect(endedBetween([done], [done])).toEqual([]);
  expect(endedBetween([], [done])).toEqual([]);
  expect(endedBetween([running], [{ ...running, state: 'cancelling' }])).toEqual([]);
});
