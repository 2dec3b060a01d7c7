import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Tells when it is time to look again. */
export interface Pulse {
  /** Resolves when something in the folder has changed, or after a second; at once when aborted. */
  next(): Promise<void>;
  close(): void;
}

const longestMilliseconds = 1000;
/** What changes together is looked at together. */
const settleMilliseconds = 40;

/**
 * A pulse for a folder, which need not be there yet and may be made anew. Changes are only a reason to look sooner: what is
 * no file, such as a lock, is seen a second later.
 */
export function openPulse(directory: string, signal: AbortSignal): Pulse {
  let watcher: FSWatcher | null = null;
  let watched: number | null = null;
  let stirred = false;
  let wake: () => void = () => {};
  const stir = () => {
    stirred = true;
    wake();
  };

  const drop = () => {
    watcher?.close();
    watcher = null;
    watched = null;
  };
  const arm = async () => {
    const inode = await stat(directory).then(
      ({ ino }) => ino,
      () => null,
    );
    if (inode === watched || signal.aborted) return;
    drop();
    if (inode === null) return;
    try {
      watcher = watch(directory, stir);
      watcher.on('error', drop);
      watched = inode;
    } catch {
      // It went again, or the user has no watches left: a look a second does.
    }
  };
  const wait = (milliseconds: number, until: 'stirred' | 'aborted') =>
    new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener('abort', end, { once: true });
      if (until === 'stirred') wake = end;
    });

  return {
    async next() {
      await arm();
      if (!stirred && !signal.aborted) await wait(longestMilliseconds, 'stirred');
      if (!signal.aborted) await wait(settleMilliseconds, 'aborted');
      stirred = false;
    },
    close: drop,
  };
}
