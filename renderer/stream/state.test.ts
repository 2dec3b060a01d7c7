import { expect, test } from 'vitest';
import type { LiveLab } from '../../contract/live.ts';
import type { WatchEvent } from '../../contract/watch.ts';
import { testHost, testLab, testProbe } from './fixture.ts';
import { applyWatch, cellKey, nothing } from './state.ts';

const at = '2026-01-01T00:00:00.000Z';
const { lab, state, createdAt } = testLab([testHost('a')]);
const live: LiveLab = { lab, state, createdAt, hosts: [testHost('a')], samples: [], probes: [], history: [] };
const snapshot = (own: LiveLab | null): WatchEvent => ({
  type: 'snapshot',
  at,
  version: '0.1.0',
  overview: { labs: [], tasks: [], terminals: [] },
  lab: own,
  schedule: null,
});
const sample = (moment: number) => ({
  host: 'a',
  at: moment,
  cpu: 0.1,
  processors: 2,
  steal: 0,
  memoryBytes: 1,
  memoryLimitBytes: null,
  overlay: null,
  underlay: null,
  peers: null,
});
const entry = (id: string, moment: string) => ({
  id,
  at: moment,
  subject: 'host' as const,
  level: 'neutral' as const,
  title: id,
  detail: null,
  host: 'a',
  pod: null,
  pair: null,
});

test('a snapshot replaces everything, so that a door that came back is believed', () => {
  const before = applyWatch(nothing, snapshot(live));
  expect(before.lab?.hosts.size).toBe(1);
  expect(applyWatch(before, snapshot(null)).lab).toBeNull();
});

test('hosts and cells replace their like, samples are appended and bounded', () => {
  const probe = testProbe('a-1', 'b-1', 'ping');
  let current = applyWatch(nothing, snapshot({ ...live, probes: [probe] }));
  const red = { ...probe, ok: false };
  current = applyWatch(current, { type: 'live', at, events: [{ type: 'probes', results: [red] }] });
  expect([...(current.lab?.probes.values() ?? [])]).toEqual([red]);
  for (let moment = 0; moment < 1000; moment += 1) {
    current = applyWatch(current, {
      type: 'live',
      at,
      events: [{ type: 'samples', samples: [sample(moment)] }],
    });
  }
  const samples = current.lab?.samples.get('a') ?? [];
  expect(samples).toHaveLength(900);
  expect(samples.at(-1)?.at).toBe(999);
});

test('history stays in order of time when writers are a moment out of order', () => {
  const current = applyWatch(
    applyWatch(nothing, snapshot({ ...live, history: [entry('2', '2026-01-01T00:00:02.000Z')] })),
    {
      type: 'live',
      at,
      events: [{ type: 'history', entries: [entry('1', '2026-01-01T00:00:01.000Z')] }],
    },
  );
  expect(current.lab?.history.map(({ id }) => id)).toEqual(['1', '2']);
});

test('a lab that is gone is no more, and later events about it change nothing', () => {
  const gone = applyWatch(applyWatch(nothing, snapshot(live)), {
    type: 'live',
    at,
    events: [{ type: 'gone' }],
  });
  expect(gone.lab).toBeNull();
  expect(
    applyWatch(gone, { type: 'live', at, events: [{ type: 'hosts', hosts: [testHost('a')] }] }).lab,
  ).toBeNull();
});

test('each kind of probe of each ordered pair is a cell of its own', () => {
  const keys = [
    testProbe('a-1', 'b-1', 'ping'),
    testProbe('a-1', 'b-1', 'mtu'),
    testProbe('b-1', 'a-1', 'ping'),
  ].map(cellKey);
  expect(new Set(keys).size).toBe(3);
});
