import { expect, test } from 'vitest';
import { testProbe } from '../stream/fixture.ts';
import { freshnessAt } from './freshness.ts';
import { bundleByHost, hostPairKey, isRed, summarise } from './summary.ts';

const results = [
  testProbe('a-1', 'b-1', 'ping', { milliseconds: 0.2 }),
  testProbe('b-1', 'a-1', 'ping', { milliseconds: 0.4, at: '2025-12-31T00:00:00.000Z' }),
  testProbe('a-1', 'b-1', 'mtu', { ok: false }),
];
const summary = summarise(results, freshnessAt(Date.parse('2026-01-01T00:00:01.000Z')));

test('cells are counted by kind, and stale ones are not green', () => {
  expect(summary.totals.ping).toEqual({ green: 1, stale: 1, all: 2 });
  expect(summary.totals.mtu).toEqual({ green: 0, stale: 0, all: 1 });
  expect(summary.totals.http.all).toBe(0);
});

test('red ends are found by themselves and by their host', () => {
  expect(isRed(summary, 'sources', 'pod a-1')).toBe(true);
  expect(isRed(summary, 'sources', 'all a')).toBe(true);
  expect(isRed(summary, 'targets', 'all b')).toBe(true);
  expect(isRed(summary, 'sources', 'pod b-1')).toBe(false);
  expect(isRed(summary, 'sources', 'pod a-1', ['ping'])).toBe(false);
});

test('results are bundled by the hosts of their pair', () => {
  const bundles = bundleByHost(results);
  expect(bundles.get(hostPairKey('a', 'b'))).toHaveLength(2);
  expect(bundles.get(hostPairKey('b', 'a'))).toHaveLength(1);
});
