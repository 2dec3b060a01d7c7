import { raceAbort } from '../abort.ts';

/**
 * Work that tells of its progress, as a stream of what it told last: a slow reader misses what lies between. Ends with the
 * value that the work resolves to, or fails as it does; the work is aborted when the reader leaves.
 */
export async function* latestOf<T>(
  work: (sink: (value: T) => void, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const controller = new AbortController();
  const both = AbortSignal.any([signal, controller.signal]);
  let latest: { readonly value: T } | null = null;
  let wake = () => {};
  const settled = work((value) => {
    latest = { value };
    wake();
  }, both).then((value) => ({ value }));
  settled.catch(() => {});
  try {
    while (true) {
      const told = new Promise<null>((resolve) => {
        wake = () => resolve(null);
        if (latest !== null) resolve(null);
      });
      const end = await raceAbort(Promise.race([told, settled]), both);
      if (end !== null) {
        yield end.value;
        return;
      }
      const next: { readonly value: T } | null = latest;
      latest = null;
      if (next !== null) yield (next as { readonly value: T }).value;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    controller.abort();
  }
}
