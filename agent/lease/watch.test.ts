import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EntryChange } from './store.ts';
import { applyChanges } from './watch.ts';

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
