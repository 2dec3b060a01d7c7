import { expect, test } from 'vitest';
import { createLatest, orAbort, pause, untilDone } from './wait.ts';

const gone = new Error('gone');

test('a pause ends early with the reason of the signal', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(gone), 10);
  await expect(pause(60_000, stop.signal)).rejects.toBe(gone);
  await expect(pause(60_000, stop.signal)).rejects.toBe(gone);
});

test('what comes after the signal is handed to be discarded', async () => {
  const stop = new AbortController();
  let finish: (value: string) => void = () => {};
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const discarded: string[] = [];
  const racing = orAbort(work, stop.signal, (late) => discarded.push(late));
  stop.abort(gone);
  await expect(racing).rejects.toBe(gone);
  finish('late');
  await work;
  await Promise.resolve();
  expect(discarded).toEqual(['late']);
});

test('an attempt is repeated until it succeeds, and each failure is heard of', async () => {
  const failures: unknown[] = [];
  let tries = 0;
  const attempt = async () => {
    tries += 1;
    if (tries < 2) throw gone;
    return tries;
  };
  expect(await untilDone(attempt, (error) => failures.push(error), new AbortController().signal)).toBe(2);
  expect(failures).toEqual([gone]);
});

test('a reader waits only for what it has not seen', async () => {
  const { signal } = new AbortController();
  const latest = createLatest<number>();
  await latest.newer(0, 5, signal);
  expect(latest.value).toBeNull();
  latest.publish(1);
  await latest.newer(0, 60_000, signal);
  const waiting = latest.newer(1, 60_000, signal);
  latest.publish(2);
  latest.publish(3);
  await waiting;
  expect([latest.value, latest.count]).toEqual([3, 3]);
});

test('a waiting reader is ended by the signal', async () => {
  const stop = new AbortController();
  const waiting = createLatest<number>().newer(0, 60_000, stop.signal);
  stop.abort(gone);
  await expect(waiting).rejects.toBe(gone);
});
