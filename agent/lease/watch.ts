import { reasonOf } from '../reason.ts';
import { createLatest, orAbort, pause } from '../wait.ts';
import type { EntryChange, KnownSnapshot, LeaseStore, Snapshot, StoredEntry, StoredWatch } from './store.ts';
import { parseLease } from './value.ts';

type Entries = ReadonlyMap<string, StoredEntry>;
type State = { readonly revision: number; readonly entries: Entries };

/** What we know: the store's entries, and those that it lost with its data and that are kept for a while. */
export interface Known {
  readonly clusterId: string;
  readonly revision: number;
  readonly entries: Entries;
  readonly kept: Entries;
}

const sameEntry = (one: StoredEntry | undefined, other: StoredEntry): boolean =>
  one !== undefined &&
  one.modRevision === other.modRevision &&
  one.leaseId === other.leaseId &&
  // A store that lost its data counts anew, so that its revisions come a second time.
  one.value === other.value;

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

/**
 * Whether a list shows that the store lost data since: another etcd answers, or one that counts from further back, or did
 * so until others wrote so much that only an entry tells, which is older than it was.
 */
const isReset = (known: Known, listed: Snapshot): boolean =>
  listed.clusterId !== known.clusterId ||
  listed.revision < known.revision ||
  listed.entries.some(({ name, modRevision }) => modRevision < (known.entries.get(name)?.modRevision ?? 0));

/**
 * What of some lost entries nothing in the store contradicts: their subnet has not been leased again, nor has their
 * host leased another one. A malformed entry is not kept, since it carries no packets.
 */
function uncontradicted(lost: Entries, entries: Entries): Map<string, StoredEntry> {
  const kept = new Map<string, StoredEntry>();
  if (lost.size === 0) return kept;
  const addresses = new Set<number>();
  for (const { name, value } of entries.values()) {
    const parsed = parseLease(name, value);
    if (parsed.kind === 'lease') addresses.add(parsed.lease.publicIp);
  }
  for (const [name, entry] of lost) {
    const parsed = parseLease(name, entry.value);
    if (parsed.kind === 'lease' && !entries.has(name) && !addresses.has(parsed.lease.publicIp))
      kept.set(name, entry);
  }
  return kept;
}

/** What is known after a list. `reset`: the store lost its data, so what is missing now is kept for a while. */
export function enterList(
  known: Known,
  listed: Snapshot,
): { readonly known: Known; readonly reset: boolean } {
  const entries = new Map(listed.entries.map((entry) => [entry.name, entry]));
  const reset = isReset(known, listed);
  const lost = reset ? new Map([...known.kept, ...known.entries]) : known.kept;
  const { clusterId, revision } = listed;
  return { known: { clusterId, revision, entries, kept: uncontradicted(lost, entries) }, reset };
}

/** What is known after some events of the watch. A key that is deleted now is kept no longer. */
export function enterChanges(known: Known, changes: readonly EntryChange[]): Known {
  const state = applyChanges(known, changes);
  if (known.kept.size === 0) return { ...known, ...state };
  const deleted = new Set(changes.map((change) => (change.kind === 'delete' ? change.name : null)));
  const lost = new Map([...known.kept].filter(([name]) => !deleted.has(name)));
  return { ...known, ...state, kept: uncontradicted(lost, state.entries) };
}

const sameEntries = (one: Entries, other: Entries): boolean => {
  if (one.size !== other.size) return false;
  for (const [name, entry] of other) if (!sameEntry(one.get(name), entry)) return false;
  return true;
};

/** Whether two states differ in any entry, its value included: a peer that kept its subnet may have a new MAC. */
const differs = (one: Known, other: Known): boolean =>
  !sameEntries(one.entries, other.entries) || !sameEntries(one.kept, other.kept);

const revisionOf = (known: Known | null): number => known?.revision ?? 0;

const firstPause = 100;
const longestPause = 5000;

/** Changes that come one soon after the other are entered together, since each time costs as much as there are leases. */
const batchMilliseconds = 20;

/** How long the peers of a store that lost its data are given to write their leases again. */
const graceMilliseconds = 30_000;

/**
 * Follows all entries until the signal fires, and reports them whole: once after the first list, then at every change.
 * It lists again when the watch breaks (etcd gone, or compacted past us) and now and then besides, so that no change
 * can be lost for long. When etcd lost its data, what it held before is reported as `kept` for `graceMilliseconds`.
 * Rejects only with the signal's reason.
 */
export async function followEntries(
  store: LeaseStore,
  onSnapshot: (snapshot: KnownSnapshot) => void,
  context: {
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
    readonly listAgainMilliseconds: number;
    readonly graceMilliseconds?: number;
    /** What was known before, such as by an earlier life; null: nothing. */
    readonly earlier?: Known | null;
  },
): Promise<never> {
  const { signal, log } = context;
  const grace = context.graceMilliseconds ?? graceMilliseconds;
  let known: Known | null = context.earlier ?? null;
  let reported = false;
  let graceTimer: NodeJS.Timeout | undefined;
  let pending: (readonly EntryChange[])[] = [];
  let batchTimer: NodeJS.Timeout | undefined;
  let batchedAt = Number.NEGATIVE_INFINITY;
  const enter = (next: Known) => {
    const changed = !reported || known === null || differs(known, next);
    known = next;
    reported = true;
    const { clusterId, revision, entries, kept } = next;
    if (changed)
      onSnapshot({ clusterId, revision, entries: [...entries.values()], kept: [...kept.values()] });
  };
  const enterPending = () => {
    clearTimeout(batchTimer);
    batchTimer = undefined;
    if (signal.aborted || known === null || pending.length === 0) return;
    const changes = pending.flat();
    pending = [];
    batchedAt = performance.now();
    enter(enterChanges(known, changes));
  };
  const onChanges = (changes: readonly EntryChange[]) => {
    pending.push(changes);
    const wait = batchedAt + batchMilliseconds - performance.now();
    // The first of them is not kept waiting.
    if (wait <= 0) enterPending();
    else batchTimer ??= setTimeout(enterPending, wait);
  };
  const endGrace = () => {
    if (signal.aborted || known === null || known.kept.size === 0) return;
    log(`${known.kept.size} leases that etcd lost were not written again within ${grace / 1000} s; they go`);
    enter({ ...known, kept: new Map() });
  };
  const enterListed = (listed: Snapshot) => {
    enterPending();
    if (known === null) {
      const entries = new Map(listed.entries.map((entry) => [entry.name, entry]));
      enter({ clusterId: listed.clusterId, revision: listed.revision, entries, kept: new Map() });
      return;
    }
    const after = enterList(known, listed);
    if (after.reset) {
      log(`etcd lost data; ${after.known.kept.size} known leases are kept for ${grace / 1000} s`);
      clearTimeout(graceTimer);
      graceTimer = setTimeout(endGrace, grace);
    }
    enter(after.known);
  };
  const list = (): Promise<Snapshot> => orAbort(store.list(), signal);

  let nextPause = firstPause;
  let isBroken = false;
  try {
    for (;;) {
      let watch: StoredWatch | null = null;
      const broken = createLatest<string>();
      try {
        const listed = await list();
        enterListed(listed);
        const opening = store.watch(listed.revision, onChanges, (reason) => broken.publish(reason));
        watch = await orAbort(opening, signal, (late) => late.close());
        nextPause = firstPause;
        if (isBroken) log('leases are watched again');
        isBroken = false;
        for (;;) {
          await broken.newer(0, context.listAgainMilliseconds, signal);
          if (broken.value !== null) break;
          const again = await list();
          if (again.clusterId !== listed.clusterId) throw new Error('another etcd answers');
          // The watch may have gone on while the list was under way.
          enterPending();
          if (again.revision >= revisionOf(known)) enterListed(again);
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
  } finally {
    clearTimeout(graceTimer);
    clearTimeout(batchTimer);
  }
}
