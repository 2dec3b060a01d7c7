import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { EntryChange, KnownSnapshot, LeaseStore, Snapshot, StoredEntry } from './store.ts';
import { applyChanges, enterChanges, enterList, followEntries, type Known } from './watch.ts';

afterEach(() => {
  vi.useRealTimers();
});

const put = (name: string, modRevision: number): EntryChange => ({
  kind: 'put',
  entry: { name, value: `v${modRevision}`, modRevision, leaseId: null },
});
const remove = (name: string, modRevision: number): EntryChange => ({ kind: 'delete', name, modRevision });
const empty = { revision: 0, entries: new Map() };

test('two changes of one revision both count', () => {
  const state = applyChanges({ ...empty, revision: 4 }, [put('a', 5), put('b', 5)]);
  expect([...state.entries.keys()]).toEqual(['a', 'b']);
  expect(state.revision).toBe(5);
});

test('what is older than the state changes nothing', () => {
  const state = applyChanges(empty, [put('a', 9)]);
  expect(applyChanges(state, [remove('a', 8), put('b', 9)])).toEqual(state);
});

test('however changes are batched and repeated, the end is the same', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(changes, fc.nat(30), fc.nat(30), (list, cut, back) => {
      const all = list.map(([name, isPut], index) => (isPut ? put : remove)(name, index + 1));
      const whole = applyChanges(empty, all);
      const first = applyChanges(empty, all.slice(0, cut));
      // A watch that resumes may repeat what was seen already.
      expect(applyChanges(first, all.slice(Math.max(0, cut - back)))).toEqual(whole);
    }),
  );
});

const lease = (name: string, publicIp: string, modRevision: number): StoredEntry => ({
  name,
  value: JSON.stringify({ PublicIP: publicIp }),
  modRevision,
  leaseId: '1',
});
const listed = (revision: number, entries: readonly StoredEntry[], clusterId = 'one'): Snapshot => ({
  clusterId,
  revision,
  entries,
});
const first = lease('10.0.1.0-24', '192.168.0.1', 7);
const second = lease('10.0.2.0-24', '192.168.0.2', 8);
const known: Known = {
  clusterId: 'one',
  revision: 9,
  entries: new Map([first, second].map((entry) => [entry.name, entry])),
  kept: new Map(),
};
const keptNames = ({ kept }: Known) => [...kept.keys()];

test('what is missing from a list of the same store is gone', () => {
  const after = enterList(known, listed(10, [first]));
  expect(after.reset).toBe(false);
  expect(keptNames(after.known)).toEqual([]);
});

test('what a store lost with its data is kept, whether it counts from further back or is another', () => {
  for (const list of [listed(1, []), listed(500, [], 'two')]) {
    const after = enterList(known, list);
    expect(after.reset).toBe(true);
    expect(keptNames(after.known)).toEqual([first.name, second.name]);
    expect(after.known.entries.size).toBe(0);
  }
});

test('a lease that contradicts ends the keeping of just that one', () => {
  const { known: reset } = enterList(known, listed(1, []));
  const put = (entry: StoredEntry): EntryChange => ({ kind: 'put', entry });
  const names = (...changes: EntryChange[]) => keptNames(enterChanges(reset, changes));
  // Its own again, another owner of its subnet, another subnet of its host, one that has nothing to do with it.
  expect(names(put({ ...first, modRevision: 2 }))).toEqual([second.name]);
  expect(names(put(lease(first.name, '192.168.0.9', 2)))).toEqual([second.name]);
  expect(names(put(lease('10.0.7.0-24', '192.168.0.2', 2)))).toEqual([first.name]);
  expect(names(put(lease('10.0.7.0-24', '192.168.0.7', 2)))).toEqual([first.name, second.name]);
  expect(names({ kind: 'delete', name: first.name, modRevision: 2 })).toEqual([second.name]);
});

test('a store that is lost twice still keeps what it lost first; a restored one lists the rest', () => {
  const { known: reset } = enterList(known, listed(5, [{ ...first, modRevision: 3 }]));
  expect(keptNames(reset)).toEqual([second.name]);
  expect(keptNames(enterList(reset, listed(1, [])).known)).toEqual([second.name, first.name]);
});

test('a backup that others have written over since is told by an entry that went back', () => {
  const back = { ...first, modRevision: 3 };
  const after = enterList(known, listed(20, [back, lease('10.0.9.0-24', '192.168.0.9', 20)]));
  expect(after.reset).toBe(true);
  expect(keptNames(after.known)).toEqual([second.name]);
  expect(enterList(known, listed(20, [{ ...first, modRevision: 19 }])).reset).toBe(false);
});

/** Follows a store that lists the same each time, and hands out how it tells changes. */
function followStore(list: Snapshot, earlier: Known | null = null) {
  const unused = () => Promise.reject(new Error('not expected'));
  let told: (changes: readonly EntryChange[]) => void = () => {};
  const store: LeaseStore = {
    readConfig: unused,
    grant: unused,
    secondsLeft: unused,
    dropLease: unused,
    create: unused,
    replace: unused,
    remove: unused,
    list: async () => list,
    watch: async (_after, onChanges) => {
      told = onChanges;
      return { close: () => {} };
    },
    close: () => {},
  };
  const stop = new AbortController();
  const snapshots: KnownSnapshot[] = [];
  const context = { signal: stop.signal, log: () => {}, listAgainMilliseconds: 60_000, earlier };
  const following = followEntries(store, (snapshot) => snapshots.push(snapshot), context).catch(() => {});
  return {
    snapshots,
    tell: (changes: readonly EntryChange[]) => told(changes),
    async stop() {
      stop.abort();
      await following;
    },
  };
}

test('a thousand changes one by one are entered in a few batches, the first of them at once', async () => {
  vi.useFakeTimers();
  const { snapshots, tell, stop } = followStore(listed(9, [first]));
  await vi.advanceTimersByTimeAsync(100);
  for (let index = 0; index < 1000; index += 1) tell([put(`10.1.${index}`, 10 + index)]);
  expect(snapshots.map(({ entries }) => entries.length)).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(20);
  expect(snapshots.map(({ entries }) => entries.length)).toEqual([1, 2, 1001]);
  await stop();
});

test('what an earlier life knew of an etcd that lost its data since is kept for the grace', async () => {
  vi.useFakeTimers();
  const { snapshots, stop } = followStore(listed(2, [], 'two'), known);
  await vi.advanceTimersByTimeAsync(100);
  expect(snapshots.map(({ kept }) => kept.length)).toEqual([2]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(snapshots.map(({ kept }) => kept.length)).toEqual([2, 0]);
  await stop();
});

test('the first list is told, also when it is what an earlier life knew', async () => {
  vi.useFakeTimers();
  const { snapshots, stop } = followStore(listed(9, [first, second]), known);
  await vi.advanceTimersByTimeAsync(100);
  expect(snapshots.map(({ entries, kept }) => [entries.length, kept.length])).toEqual([[2, 0]]);
  await stop();
});
