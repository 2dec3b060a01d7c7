import { expect, test } from 'vitest';
import { testProbe } from '../stream/fixture.ts';
import { healthOfPair, kindsOf, pairKey, sickHosts, summarisePairs } from './pairs.ts';

const now = Date.parse('2026-01-01T00:01:00.000Z');

test('both directions of two hosts are one pair, with the median round trip and the smallest MTU', () => {
  const pairs = summarisePairs([
    testProbe('h1-a', 'h2-a', 'ping', { milliseconds: 0.2 }),
    testProbe('h2-a', 'h1-a', 'ping', { milliseconds: 0.4 }),
    testProbe('h2-b', 'h1-a', 'ping', { milliseconds: 0.3, at: '2026-01-01T00:00:30.000Z' }),
    testProbe('h1-a', 'h2-a', 'mtu', { seen: '1450 bytes' }),
    testProbe('h2-a', 'h1-a', 'mtu', { seen: '1400 bytes (as its kernel remembers for 590 s)', ok: false }),
  ]);
  expect([...pairs.keys()]).toEqual([pairKey('h2', 'h1')]);
  const pair = pairs.get(pairKey('h1', 'h2'));
  expect(pair).toMatchObject({
    cells: 5,
    greenCells: 4,
    rttMilliseconds: 0.3,
    mtu: 1400,
    measuredAt: '2026-01-01T00:00:30.000Z',
  });
  expect(pair?.worst?.from.name).toBe('h2-a');
});

test('what stays within a host says nothing of a link', () => {
  expect(summarisePairs([testProbe('h1-a', 'h1-b', 'ping', { path: 'same-host' })]).size).toBe(0);
});

test('an answer without a number of bytes is no MTU', () => {
  const pairs = summarisePairs([testProbe('h1-a', 'h2-a', 'mtu', { seen: 'no answer', ok: false })]);
  expect(pairs.get(pairKey('h1', 'h2'))).toMatchObject({ mtu: null, rttMilliseconds: null });
});

test('a pair is bad with one failing cell, and stale when not measured or measured long ago', () => {
  const [green] = summarisePairs([testProbe('h1-a', 'h2-a', 'ping')]).values();
  const [red] = summarisePairs([
    testProbe('h1-a', 'h2-a', 'ping'),
    testProbe('h1-a', 'h2-a', 'http', { ok: false }),
  ]).values();
  expect(healthOfPair(green, now)).toBe('good');
  expect(healthOfPair(green, now + 3_600_000)).toBe('stale');
  expect(healthOfPair(red, now + 3_600_000)).toBe('bad');
  expect(healthOfPair(undefined, now)).toBe('stale');
});

test('the host that failing pairs have in common is the sick one', () => {
  const pairs = summarisePairs([
    testProbe('h1-a', 'h2-a', 'ping'),
    testProbe('h1-a', 'h3-a', 'ping', { ok: false }),
    testProbe('h2-a', 'h3-a', 'ping', { ok: false }),
  ]);
  expect([...sickHosts(pairs.values(), new Set())]).toEqual([['h3', { failing: 2, measured: 2 }]]);
  expect(sickHosts(pairs.values(), new Set(['h3'])).size).toBe(0);
});

test('cells of a kind are counted together and shown by the first that fails', () => {
  const cells = [
    testProbe('h1-a', 'h2-a', 'ping'),
    testProbe('h1-a', 'h2-a', 'mtu'),
    testProbe('h1-a', 'h2-b', 'mtu', { ok: false, seen: '1400 bytes' }),
    testProbe('h1-b', 'h2-b', 'mtu', { ok: false, seen: '1300 bytes' }),
  ];
  expect(kindsOf(cells)).toMatchObject([
    { kind: 'ping', all: 1, green: 1 },
    { kind: 'mtu', all: 3, green: 1, shown: { seen: '1400 bytes' } },
  ]);
});
