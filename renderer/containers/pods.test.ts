import { expect, test } from 'vitest';
import type { LiveHost } from '../../contract/live.ts';
import type { PodStatus } from '../../contract/status.ts';
import { testHost } from '../stream/fixture.ts';
import { itemsOf, podHealth, podReader } from './pods.ts';

const pod = (name: string, change: Partial<PodStatus> = {}): PodStatus => ({
  name,
  host: 'host-1',
  image: 'flatland/pod',
  command: null,
  ports: [80],
  labels: {},
  state: 'running',
  address: '10.77.1.2',
  declared: true,
  ...change,
});
const host = (name: string, pods: PodStatus[], reach?: LiveHost['reach']): LiveHost => {
  const live = testHost(name, reach);
  return { ...live, status: { ...live.status, pods } };
};
const byName = { key: 'name', descending: false } as const;
const keys = (items: ReturnType<typeof itemsOf>) => items.map(({ key }) => key);

test('a status event that changes nothing leaves every row the same object', () => {
  const read = podReader();
  const [first] = read([host('host-1', [pod('a'), pod('b')])]);
  const [second] = read([host('host-1', [pod('a'), pod('b', { state: 'exited' })])]);
  expect(second?.rows[0]).toBe(first?.rows[0]);
  expect(second?.rows[1]).not.toBe(first?.rows[1]);
  expect(read([host('host-1', [pod('a'), pod('b', { state: 'exited' })])])[0]?.rows).toBe(second?.rows);
  const [third] = read([host('host-1', [pod('c'), pod('a')])]);
  expect(third?.rows.map((row) => row.pod.name)).toEqual(['c', 'a']);
});

test('a row changes when its host is lost: its state is not known to be so any more', () => {
  const read = podReader();
  read([host('host-1', [pod('a')])]);
  const lost = {
    kind: 'reconnecting',
    attempt: 1,
    nextTryAt: '2026-01-01T00:00:00.000Z',
    reason: '',
  } as const;
  const row = read([host('host-1', [pod('a')], lost)])[0]?.rows[0];
  expect(row && podHealth(row)).toEqual({ health: 'stale', word: 'was running' });
});

test('names and addresses are sorted as people count, within their host', () => {
  const groups = podReader()([
    host('host-1', [
      pod('web-10', { address: '10.77.1.9' }),
      pod('web-2', { address: '10.77.1.10' }),
      pod('web-1', { address: null }),
    ]),
    host('host-2', [pod('a')]),
  ]);
  const all = { search: '', state: 'all' } as const;
  expect(keys(itemsOf(groups, all, byName))).toEqual([
    'host-1',
    'host-1 web-1',
    'host-1 web-2',
    'host-1 web-10',
    'host-2',
    'host-2 a',
  ]);
  expect(keys(itemsOf(groups, all, { key: 'address', descending: false })).slice(1, 4)).toEqual([
    'host-1 web-10',
    'host-1 web-2',
    'host-1 web-1',
  ]);
});

test('every word of the search must occur somewhere in a row; hosts without a row are left out then', () => {
  const groups = podReader()([
    host('host-1', [
      pod('web', { labels: { tier: 'front' } }),
      pod('store', { command: ['redis-server'], state: 'exited' }),
    ]),
    host('host-2', []),
  ]);
  const find = (search: string, state: 'all' | 'running' | 'not running' = 'all') =>
    keys(itemsOf(groups, { search, state }, byName));
  expect(find('')).toEqual(['host-1', 'host-1 store', 'host-1 web', 'host-2']);
  expect(find('TIER=front host-1')).toEqual(['host-1', 'host-1 web']);
  expect(find('redis')).toEqual(['host-1', 'host-1 store']);
  expect(find('', 'not running')).toEqual(['host-1', 'host-1 store']);
  expect(find('nothing')).toEqual([]);
});
