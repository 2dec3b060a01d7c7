import { setTimeout as delay } from 'node:timers/promises';
import type { WatchEvent } from '../../contract/watch.ts';
import { raceAbort } from '../abort.ts';
import type { Broadcast } from './broadcast.ts';
import { type Change, openPending } from './pending.ts';

/** A screen is told what changed this often at most. */
const tickMilliseconds = 250;
/** A large matrix follows its snapshot in parts, so that the first picture does not wait for it. */
const cellsAtOnce = 2000;

type Snapshot = Extract<WatchEvent, { type: 'snapshot' }>;

/** A snapshot with a part of the matrix, and events with the rest of it. Pure. */
export function splitSnapshot(snapshot: Snapshot): WatchEvent[] {
  const { lab } = snapshot;
  if (lab === null || lab.probes.length <= cellsAtOnce) return [snapshot];
  const events: WatchEvent[] = [{ ...snapshot, lab: { ...lab, probes: lab.probes.slice(0, cellsAtOnce) } }];
  for (let index = cellsAtOnce; index < lab.probes.length; index += cellsAtOnce) {
    const results = lab.probes.slice(index, index + cellsAtOnce);
    events.push({ type: 'live', at: snapshot.at, events: [{ type: 'probes', results }] });
  }
  return events;
}

/**
 * The stream of one screen: a snapshot, then what changes, at most one batch a tick. It is as slow as its reader: meanwhile
 * changes of the same thing become one, and too many of them a new snapshot. Ends when `signal` is aborted.
 */
export async function* watchScreens(options: {
  readonly lab: string | null;
  readonly changes: Broadcast<Change>;
  readonly snapshot: () => Snapshot;
  /** Settles when a first snapshot is worth taking. */
  readonly ready: Promise<unknown>;
  readonly signal: AbortSignal;
}): AsyncGenerator<WatchEvent, void, undefined> {
  const { lab, changes, snapshot, ready, signal } = options;
  const pending = openPending(lab);
  let wake = () => {};
  const stop = changes.listen((change) => {
    pending.add(change);
    if (!pending.isEmpty()) wake();
  });
  const something = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (!pending.isEmpty()) resolve();
    });
  try {
    await raceAbort(ready, signal);
    let told = 0;
    while (true) {
      await raceAbort(something(), signal);
      await delay(Math.max(0, told + tickMilliseconds - Date.now()), undefined, { signal });
      told = Date.now();
      const next = pending.take();
      yield* next === 'snapshot' ? splitSnapshot(snapshot()) : next;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    stop();
  }
}
