import { expect, test } from 'vitest';
import { testEntry } from './fixture.ts';
import { joinIntervals, redIntervals } from './intervals.ts';

const pair = { from: 'a-1', to: 'b-1', kind: 'mtu' as const };
const base = Date.parse('2026-01-01T00:00:00.000Z');

test('a pair is red from its first bad entry to its next good one', () => {
  const intervals = redIntervals([
    testEntry(1, { subject: 'probe', level: 'bad', pair }),
    testEntry(2, { subject: 'probe', level: 'bad', pair }),
    testEntry(3, { subject: 'probe', level: 'bad', pair: { ...pair, from: 'c-1' } }),
    testEntry(4, { subject: 'probe', level: 'good', pair: { ...pair, kind: 'ping' } }),
    testEntry(5, { subject: 'probe', level: 'bad', pair }),
  ]);
  expect(intervals.map(({ from, to }) => [from - base, to === null ? null : to - base])).toEqual([
    [1000, 4000],
    [3000, null],
    [5000, null],
  ]);
});

test('a lost host is red until it is back; another subject of the same host is another thing', () => {
  const intervals = redIntervals([
    testEntry(1, { subject: 'host', level: 'bad', host: 'a' }),
    testEntry(2, { subject: 'docker', level: 'good', host: 'a' }),
    testEntry(3, { subject: 'host', level: 'neutral', host: 'a' }),
    testEntry(4, { subject: 'host', level: 'good', host: 'a' }),
  ]);
  expect(intervals).toHaveLength(1);
  expect(intervals[0]).toMatchObject({ from: base + 1000, to: base + 4000 });
});

test('work that failed is a moment, and good news without bad ones before are no interval', () => {
  expect(
    redIntervals([
      testEntry(1, { subject: 'step', level: 'bad' }),
      testEntry(2, { subject: 'work', level: 'bad' }),
      testEntry(3, { subject: 'host', level: 'good', host: 'a' }),
    ]),
  ).toEqual([]);
});

test('intervals that touch are one span', () => {
  const entry = testEntry(0, {});
  const spans = joinIntervals([
    { key: 'x', from: 0, to: 5, entry },
    { key: 'y', from: 3, to: 4, entry },
    { key: 'z', from: 5, to: 7, entry },
    { key: 'x', from: 9, to: null, entry },
    { key: 'y', from: 12, to: 13, entry },
  ]);
  expect(spans).toEqual([
    { from: 0, to: 7, things: 3 },
    { from: 9, to: null, things: 2 },
  ]);
});

test('a pod that stopped is red until it was removed', () => {
  const intervals = redIntervals([
    testEntry(1, { subject: 'pod', level: 'bad', host: 'a', pod: 'a-1' }),
    testEntry(2, { subject: 'pod', level: 'neutral', host: 'a', pod: 'a-1' }),
  ]);
  expect(intervals).toMatchObject([{ from: base + 1000, to: base + 2000 }]);
});
