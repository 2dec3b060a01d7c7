import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; rejects with the signal's reason as soon as it fires. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}

/** Settles with `work`, or rejects as soon as the signal fires; `discard` gets what comes too late. */
export function orAbort<T>(
  work: Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      work.then(discard, () => {});
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Repeats an attempt until it succeeds: soon at first, since hosts and their etcd often start together, then once a second
 * as flannel does. `onFailure` hears of each failure.
 */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
  discard: (late: T) => void = () => {},
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await orAbort(attempt(), signal, discard);
    } catch (error) {
      signal.throwIfAborted();
      onFailure(error);
    }
    await pause(Math.min(50 * 2 ** failures, 1000), signal);
  }
}

/** The newest of a series of values, for readers that need no more than that and may be slower than the writer. */
export interface Latest<T> {
  readonly value: T | null;
  /** How many values there were so far. */
  readonly count: number;
  publish(value: T): void;
  /** Resolves when there were more values than `count`, or after the time; rejects when the signal fires. */
  newer(count: number, milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function createLatest<T>(): Latest<T> {
  let value: T | null = null;
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    get value() {
      return value;
    },
    get count() {
      return count;
    },
    publish(next) {
      value = next;
      count += 1;
      for (const wake of [...waiting]) wake();
    },
    newer(known, milliseconds, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (count > known) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const settle = (how: () => void) => () => {
          clearTimeout(timer);
          waiting.delete(wake);
          signal.removeEventListener('abort', abort);
          how();
        };
        const wake = settle(resolve);
        const abort = settle(() => reject(signal.reason));
        const timer = setTimeout(wake, milliseconds);
        waiting.add(wake);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
