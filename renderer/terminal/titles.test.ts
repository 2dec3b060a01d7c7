import { expect, test } from 'vitest';
import type { Terminal } from '../../contract/live.ts';
import type { Tab } from './tabs.ts';
import { stateWords, titlesOf } from './titles.ts';

const terminal = (
  id: string,
  lab: string,
  target: string,
  state: Terminal['state'] = { kind: 'open' },
): Tab => ({
  kind: 'terminal',
  id,
  orphan: false,
  terminal: { id, lab, target, title: target, openedAt: '2026-11-25T10:00:00.000Z', state },
});

test('tabs can be told apart', () => {
  const tabs: Tab[] = [
    terminal('a', 'demo', 'host-1'),
    terminal('b', 'demo', 'host-1'),
    terminal('c', 'other', 'host-1'),
    { kind: 'log', id: 'd', source: { kind: 'host', lab: 'demo', host: 'host-1', service: 'etcd' } },
  ];
  expect(titlesOf(tabs, 'demo')).toEqual([
    { name: 'host-1', detail: null },
    { name: 'host-1 (2)', detail: null },
    { name: 'host-1', detail: 'other' },
    { name: 'host-1 etcd', detail: null },
  ]);
});

test('a tab says when its shell is not there any more', () => {
  expect(stateWords(terminal('a', 'demo', 'host-1'))).toBeNull();
  expect(stateWords(terminal('a', 'demo', 'host-1', { kind: 'ended', code: 130 }))?.text).toBe(
    'ended with 130',
  );
  expect(stateWords(terminal('a', 'demo', 'host-1', { kind: 'lost', reason: 'no answer' }))).toEqual({
    health: 'bad',
    text: 'lost',
  });
});
