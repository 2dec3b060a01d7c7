import { raceAbort } from '../abort.ts';
import { Failure, failure } from '../failure.ts';

/**
 * Does work that must end within so many seconds, or as soon as `signal` fires. Rejects with `deadline-passed`, which says
 * what was waited for.
 */
export async function within<T>(
  seconds: number,
  waitingFor: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(seconds * 1000);
  const either = AbortSignal.any([signal, deadline]);
  try {
    return await raceAbort(work(either), either);
  } catch (thrown) {
    if (!deadline.aborted || signal.aborted || thrown instanceof Failure) throw thrown;
    throw failure('deadline-passed', `Waited ${seconds} s for ${waitingFor}.`, { cause: thrown });
  }
}
