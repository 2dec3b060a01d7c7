import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testHost, testLab, testProbe } from './fixture.ts';
import { median, redSince, verdictOf, verdictOfLab } from './verdict.ts';

const lab = testLab([testHost('a'), testHost('b')]);
const now = Date.parse('2026-01-01T00:01:00.000Z');
const green = ['ping', 'mtu', 'source', 'http'] as const;
const cells = [
  ...green.map((kind) => testProbe('a-1', 'b-1', kind)),
  ...green.map((kind) => testProbe('b-1', 'a-1', kind, kind === 'ping' ? { milliseconds: 0.4 } : {})),
];

test('all green is one sentence with its numbers', () => {
  expect(verdictOf(lab, cells, now)).toMatchObject({
    health: 'good',
    sentence: '2 of 2 pairs reach each other',
    rttMilliseconds: 0.2,
    mtu: '1450',
    worst: null,
  });
});

test('a red cell names the pair and the layer, the one that is red for longest first', () => {
  const later = testProbe('a-1', 'b-1', 'ping', { ok: false, at: '2026-01-01T00:00:30.000Z' });
  const first = testProbe('b-1', 'a-1', 'mtu', { ok: false });
  expect(verdictOf(lab, [later, first], now)).toMatchObject({
    health: 'bad',
    sentence: '2 of 2 pairs fail: b-1 → a-1, wrong MTU',
  });
});

test('a lost host comes before what was measured, and a lab at work before both', () => {
  const lost = testHost('b', {
    kind: 'reconnecting',
    attempt: 1,
    nextTryAt: '2026-01-01T00:01:03.000Z',
    reason: '',
  });
  const state = testLab([testHost('a'), lost]);
  expect(verdictOf(state, cells, now)).toMatchObject({ health: 'bad', sentence: '1 host lost: b' });
  expect(verdictOf({ ...state, state: 'busy' }, cells, now).health).toBe('working');
});

test('what was never measured, or long ago, is stale and not green', () => {
  expect(verdictOf(lab, [], now)).toMatchObject({ health: 'stale', measuredAt: null });
  expect(verdictOf(lab, cells, now + 3_600_000).health).toBe('stale');
});

test('a verdict on the stream is that on its probes', () => {
  const probes = new Map(cells.map((cell, index) => [`${index}`, cell]));
  expect(verdictOfLab({ ...lab, probes }, now)).toEqual(verdictOf(lab, cells, now));
  expect(verdictOfLab({ ...lab, probes }, now + 3_600_000).health).toBe('stale');
});

test('a red cell is red since it last turned red', () => {
  const red = testProbe('a-1', 'b-1', 'ping', { ok: false, at: '2026-01-01T00:00:30.000Z' });
  const turned = (id: string, at: string, level: 'good' | 'bad', from = 'a-1') => ({
    id,
    at,
    level,
    subject: 'probe' as const,
    title: '',
    detail: null,
    host: null,
    pod: null,
    pair: { from, to: 'b-1', kind: 'ping' as const },
  });
  const history = [
    turned('1', '2026-01-01T00:00:01.000Z', 'bad'),
    turned('2', '2026-01-01T00:00:05.000Z', 'good'),
    turned('3', '2026-01-01T00:00:09.000Z', 'bad'),
    turned('4', '2026-01-01T00:00:11.000Z', 'bad', 'c-1'),
  ];
  expect(redSince({ history }, red)).toBe('2026-01-01T00:00:09.000Z');
  expect(redSince({ history: history.slice(0, 2) }, red)).toBe(red.at);
  expect(redSince({ history: [] }, red)).toBe(red.at);
});

test('the median is one of the numbers, with as many below as above', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (numbers) => {
      const middle = median(numbers);
      expect(numbers).toContain(middle);
      const below = numbers.filter((number) => number < (middle ?? 0)).length;
      const above = numbers.filter((number) => number > (middle ?? 0)).length;
      expect(below).toBeLessThanOrEqual(numbers.length / 2);
      expect(above).toBeLessThanOrEqual(numbers.length / 2);
    }),
  );
  expect(median([])).toBeNull();
});
