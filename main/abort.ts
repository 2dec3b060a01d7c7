/** Settles with `work`, or rejects as soon as `signal` fires; `discard` gets what comes too late. */
export function raceAbort<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => void = () => {},
): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (act: () => void): boolean => {
      if (settled) return false;
      settled = true;
      signal.removeEventListener('abort', abort);
      act();
      return true;
    };
    const abort = () => {
      settle(() => reject(signal.reason));
    };
    work.then(
      (value) => {
        if (!settle(() => resolve(value))) discard(value);
      },
      (error) => settle(() => reject(error)),
    );
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
}
