import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testStep, testTask } from './fixture.ts';
import { currentWords, outcomeOf, progressOf, sortTasks } from './progress.ts';

const began = Date.parse('2026-01-01T00:00:00.000Z');
const steps = [
  testStep('boot', 'a', [], { state: 'changed', seconds: 1 }),
  testStep('docker', 'a', ['boot'], { state: 'running', startedAt: '2026-01-01T00:00:01.000Z' }),
];

test('progress counts what is over and says what runs and how long it will take yet', () => {
  expect(progressOf(testTask(steps), began + 1500)).toMatchObject({
    done: 1,
    steps: 2,
    elapsedSeconds: 1.5,
    remainingSeconds: 2.5,
    current: [{ id: 'docker' }],
  });
});

test('a task never claims to be ready before it is, and knows no remaining time once it is late', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (later) => {
      const { share, remainingSeconds } = progressOf(testTask(steps), began + later * 1000);
      expect(share).toBeLessThan(1);
      expect(share).toBeGreaterThanOrEqual(0);
      if (later > 4) expect(remainingSeconds).toBeNull();
    }),
  );
  expect(progressOf(testTask(steps, { state: 'done', seconds: 3 }), began).share).toBe(1);
});

test('a proof that is not all green is no good end', () => {
  const proof = { pairs: 6, greenPairs: 6, cells: 24, greenCells: 24, mtu: 1450, rttMilliseconds: 0.2 };
  const done = { state: 'done', seconds: 5.2, proof } as const;
  expect(outcomeOf(testTask([], done))).toEqual({ health: 'good', word: '6 of 6 pairs green in 5.2 s' });
  expect(outcomeOf(testTask([], { ...done, proof: { ...proof, greenPairs: 4 } }))).toEqual({
    health: 'bad',
    word: '2 of 6 pairs fail',
  });
});

test('many current steps are told in a few words', () => {
  const running = ['a', 'b', 'c', 'd'].map((host) => testStep(`boot`, host, []));
  expect(currentWords(running, 2)).toBe('a: boot, b: boot and 2 more');
});

test('tasks that go on come first, then the newest', () => {
  const old = testTask([], { id: 'old', state: 'done', startedAt: '2026-01-01T00:00:00.000Z' });
  const new_ = testTask([], { id: 'new', state: 'done', startedAt: '2026-01-01T01:00:00.000Z' });
  const running = testTask([], { id: 'running', startedAt: '2025-01-01T00:00:00.000Z' });
  expect(sortTasks([old, new_, running]).map(({ id }) => id)).toEqual(['running', 'new', 'old']);
});
