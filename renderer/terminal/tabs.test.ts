import { expect, test } from 'vitest';
import type { Terminal } from '../../contract/live.ts';
import { neighbourOf, orphansOf, type PendingTab, tabsOf } from './tabs.ts';

const terminal = (id: string): Terminal => ({
  id,
  lab: 'demo',
  target: 'host-1',
  title: 'host-1',
  openedAt: '2026-11-25T10:00:00.000Z',
  state: { kind: 'open' },
});
const pending = (change: Partial<PendingTab>): PendingTab => ({
  id: 'pending 1',
  lab: 'demo',
  target: 'host-1',
  terminal: null,
  predecessor: null,
  error: null,
  ...change,
});
const own = { logs: [], pending: [], orphans: [], active: null };

test('a terminal that was asked for has one tab at any moment, and stays shown', () => {
  const asked = { ...own, pending: [pending({})], active: 'pending 1' };
  expect(tabsOf([], asked).shown?.id).toBe('pending 1');
  const answered = { ...asked, pending: [pending({ terminal: 'a' })] };
  expect(tabsOf([], answered).tabs.map(({ id }) => id)).toEqual(['pending 1']);
  const told = tabsOf([terminal('a')], answered);
  expect(told.tabs.map(({ id }) => id)).toEqual(['a']);
  expect(told.shown?.id).toBe('a');
});

test('when the tab that was shown is gone another is', () => {
  expect(tabsOf([terminal('a'), terminal('b')], { ...own, active: 'gone' }).shown?.id).toBe('b');
  expect(tabsOf([], { ...own, active: 'gone' }).shown).toBeNull();
});

test('closing shows the next tab, or the one before the last', () => {
  const { tabs } = tabsOf(['a', 'b', 'c'].map(terminal), own);
  expect(neighbourOf(tabs, 'a')).toBe('b');
  expect(neighbourOf(tabs, 'c')).toBe('b');
  expect(neighbourOf(tabs.slice(0, 1), 'a')).toBeNull();
});

test('terminals of a restarted server are lost, and what had ended stays ended', () => {
  const ended: Terminal = { ...terminal('b'), state: { kind: 'ended', code: 3 } };
  const orphans = orphansOf([terminal('a'), ended, terminal('c')], [terminal('c')]);
  expect(orphans.map(({ id, state }) => [id, state.kind])).toEqual([
    ['a', 'lost'],
    ['b', 'ended'],
  ]);
  expect(tabsOf([terminal('c')], { ...own, orphans }).tabs.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});
