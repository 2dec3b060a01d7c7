import { expect, test } from 'vitest';
import { testHost, testLab, testProbe } from '../stream/fixture.ts';
import { cellOf, sentenceOf } from './cell.ts';
import { freshnessAt, freshnessOf, isStale } from './freshness.ts';

const at = Date.parse('2026-01-01T00:00:00.000Z');
const fresh = freshnessAt(at + 1000);
const old = freshnessAt(at + 16 * 60_000);
const ping = testProbe('a-1', 'b-1', 'ping', { seen: '0 % loss, 0.21 ms', milliseconds: 0.21 });
const mtu = testProbe('a-1', 'b-1', 'mtu', { seen: '1450 bytes', expected: '1450 bytes' });
const source = testProbe('a-1', 'b-1', 'source', { seen: '10.77.0.2', expected: '10.77.0.2' });
const http = testProbe('a-1', 'b-1', 'http', { seen: 'HTTP 200' });
const green = [ping, mtu, source, http];

test('each kind has its own number', () => {
  const value = (shown: Parameters<typeof cellOf>[1]) => cellOf(green, shown, fresh);
  expect(value('all')).toMatchObject({ health: 'good', value: '0.21', unit: 'ms' });
  expect(value('rtt')).toMatchObject({ health: 'good', value: '0.21', milliseconds: 0.21 });
  expect(value('loss')).toMatchObject({ value: '0', unit: '%' });
  expect(value('mtu')).toMatchObject({ value: '1450' });
  expect(value('source')).toMatchObject({ value: '10.77.0.2' });
  expect(value('port')).toMatchObject({ value: '200' });
});

test('the worst of a pair is what all of it says', () => {
  const red = { ...mtu, ok: false, seen: '1400 bytes' };
  const refused = { ...http, ok: false, seen: 'connection refused' };
  expect(cellOf([ping, red, source, http], 'all', fresh)).toMatchObject({
    health: 'bad',
    value: 'MTU',
    unit: '1400',
  });
  expect(cellOf([ping, red, source, refused], 'all', fresh)).toMatchObject({ value: 'MTU', unit: '+1' });
  expect(cellOf([ping, red], 'rtt', fresh)).toMatchObject({ health: 'good', value: '0.21' });
  expect(cellOf([{ ...source, ok: false, seen: '10.78.0.2' }], 'all', fresh)).toMatchObject({ value: 'NAT' });
  expect(
    cellOf([{ ...ping, ok: false, seen: 'no answer: host b lost', milliseconds: null }], 'rtt', fresh),
  ).toMatchObject({
    health: 'bad',
    value: 'silent',
  });
});

test('what is old is stale, and red that is fresh outweighs it', () => {
  expect(cellOf(green, 'all', old)).toMatchObject({ health: 'stale', failed: false });
  const now = { ...ping, ok: false, seen: '100 % loss', milliseconds: null, at: '2026-01-01T00:15:59.000Z' };
  expect(cellOf([now, mtu], 'all', old)).toMatchObject({ health: 'bad', value: 'silent' });
  expect(cellOf([{ ...now, at: ping.at }], 'all', old)).toMatchObject({ health: 'stale', failed: true });
});

test('nothing measured is no cell', () => {
  expect(cellOf([], 'all', fresh)).toBeNull();
  expect(cellOf([ping], 'mtu', fresh)).toBeNull();
});

test('many pairs have the median of their times', () => {
  const times = [0.1, 9, 0.3].map((milliseconds, index) =>
    testProbe(`a-${index}`, 'b-1', 'ping', { milliseconds }),
  );
  expect(cellOf(times, 'all', fresh)).toMatchObject({ value: '0.30', milliseconds: 0.3 });
});

test('the sentence says what failed and what was expected', () => {
  const red = { ...mtu, ok: false, seen: '1400 bytes' };
  expect(sentenceOf('a-1', 'b-1', [ping, red], 'all')).toBe(
    'a-1 to b-1: failed: MTU 1400 bytes, expected 1450 bytes',
  );
  expect(sentenceOf('a-1', 'b-1', [], 'all')).toBe('a-1 to b-1: not measured');
});

test('a good word about a lost host, or from before its start, is stale; a bad one about a lost host is not', () => {
  const reach = { kind: 'reconnecting' as const, attempt: 1, nextTryAt: ping.at, reason: '' };
  const lost = freshnessOf(testLab([testHost('a'), testHost('b', reach)]), at + 1000);
  expect(isStale(ping, lost)).toBe(true);
  expect(isStale({ ...ping, ok: false }, lost)).toBe(false);
  const restarted = { ...testHost('b'), bootedAt: '2026-01-01T00:00:30.000Z' };
  const again = freshnessOf(testLab([testHost('a'), restarted]), at + 60_000);
  expect(isStale(ping, again)).toBe(true);
  expect(isStale({ ...ping, at: '2026-01-01T00:00:40.000Z' }, again)).toBe(false);
});
