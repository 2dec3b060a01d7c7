import { reasonOf } from '../reason.ts';
import { createLatest, orAbort, pause } from '../wait.ts';
import type { EntryChange, LeaseStore, Snapshot, StoredEntry, StoredWatch } from './store.ts';

type State = { readonly revision: number; readonly entries: ReadonlyMap<string, StoredEntry> };

const sameEntry = (one: StoredEntry | undefined, other: StoredEntry): boolean =>
  one !== undefined && one.modRevision === other.modRevision && one.leaseId === other.leaseId;

/** Applies all changes that are younger than the state: a list may be ahead of the watch it was made beside. */
export function applyChanges(state: State, changes: readonly EntryChange[]): State {
  const entries = new Map(state.entries);
  let revision = state.revision;
  for (const change of changes) {
    const changed = change.kind === 'put' ? change.entry.modRevision : change.modRevision;
    if (changed <= state.revision) continue;
    if (change.kind === 'put') entries.set(change.entry.name, change.entry);
    else entries.delete(change.name);
    revision = Math.max(revision, changed);
  }
  return { revision, entries };
}

const stateOf = ({ revision, entries }: Snapshot): State => ({
  revision,
  entries: new Map(entries.map((entry) => [entry.name, entry])),
});

/** Whether two states differ in any entry, its value included: a peer that kept its subnet may have a new MAC. */
const differs = (one: State, other: State): boolean =>
  one.entries.size !== other.entries.size ||
  [...other.entries].some(([name, entry]) => !sameEntry(one.entries.get(name), entry));

const firstPause = 100;
const longestPause = 5000;

/**
 * Follows all entries until the signal fires, and reports them whole: once after the first list, then at every change.
 * It lists again when the watch breaks (etcd gone, or compacted past us) and now and then besides, so that no change
 * can be lost for long. Rejects only with the signal's reason.
 */
export async function followEntries(
  store: LeaseStore,
  onSnapshot: (snapshot: Snapshot) => void,
  context: {
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
    readonly listAgainMilliseconds: number;
  },
): Promise<never> {
  const { signal, log } = context;
  let state: State = { revision: 0, entries: new Map() };
  let reported = false;
  const enter = (next: State) => {
    const changed = !reported || differs(state, next);
    state = next;
    reported = true;
    if (changed) onSnapshot({ revision: next.revision, entries: [...next.entries.values()] });
  };
  const list = async (): Promise<State> => stateOf(await orAbort(store.list(), signal));

  let nextPause = firstPause;
  let isBroken = false;
  for (;;) {
    let watch: StoredWatch | null = null;
    const broken = createLatest<string>();
    try {
      const listed = await list();
      // Even when it is older than what we knew: an etcd restored from a backup counts from where that ended.
      enter(listed);
      const opening = store.watch(
        listed.revision,
        (changes) => {
          if (!signal.aborted) enter(applyChanges(state, changes));
        },
        (reason) => broken.publish(reason),
      );
      watch = await orAbort(opening, signal, (late) => late.close());
      nextPause = firstPause;
      if (isBroken) log('leases are watched again');
      isBroken = false;
      for (;;) {
        await broken.newer(0, context.listAgainMilliseconds, signal);
        if (broken.value !== null) break;
        const again = await list();
        // The watch may have gone on while the list was under way.
        if (again.revision >= state.revision) enter(again);
      }
      throw new Error(broken.value);
    } catch (error) {
      signal.throwIfAborted();
      // Said once an outage, not at every try.
      if (!isBroken) log(`the watch of leases broke, listing them again: ${reasonOf(error)}`);
      isBroken = true;
    } finally {
      watch?.close();
    }
    await pause(nextPause, signal);
    nextPause = Math.min(nextPause * 2, longestPause);
  }
}
