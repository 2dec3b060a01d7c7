import { expect, test } from 'vitest';
import type { Sample } from '../../contract/live.ts';
import { testHost } from '../stream/fixture.ts';
import { arrange, type HostLine, lineOf } from './host-list.ts';

const now = Date.parse('2026-01-01T00:00:01.000Z');

const busy = (cpu: number | null): Sample[] => [
  {
    host: 'h1',
    at: now,
    cpu,
    processors: 2,
    steal: null,
    memoryBytes: null,
    memoryLimitBytes: null,
    overlay: null,
    underlay: null,
    peers: null,
  },
];

const lost = testHost('h10', {
  kind: 'reconnecting',
  attempt: 1,
  nextTryAt: '2026-01-01T00:00:06.000Z',
  reason: '',
});
const lines: HostLine[] = [
  lineOf(lost, [], now),
  lineOf(testHost('h2'), busy(0.2), now),
  lineOf(testHost('h1'), busy(0.9), now),
  lineOf(testHost('h3'), busy(null), now),
];
const names = (found: readonly HostLine[]) => found.map(({ host }) => host.name);

test('names are in the order that people count in, both ways', () => {
  expect(names(arrange(lines, '', { key: 'name', descending: false }))).toEqual(['h1', 'h2', 'h3', 'h10']);
  expect(names(arrange(lines, '', { key: 'name', descending: true }))).toEqual(['h10', 'h3', 'h2', 'h1']);
});

test('what is not known comes last, whichever way', () => {
  expect(names(arrange(lines, '', { key: 'cpu', descending: true }))).toEqual(['h1', 'h2', 'h3', 'h10']);
  expect(names(arrange(lines, '', { key: 'cpu', descending: false }))).toEqual(['h2', 'h1', 'h3', 'h10']);
});

test('the worst can come first', () => {
  expect(names(arrange(lines, '', { key: 'health', descending: true }))[0]).toBe('h10');
});

test('every word of the filter must be found', () => {
  expect(names(arrange(lines, 'LOST', { key: 'name', descending: false }))).toEqual(['h10']);
  expect(names(arrange(lines, 'h1 healthy', { key: 'name', descending: false }))).toEqual(['h1']);
  expect(arrange(lines, 'nothing', { key: 'name', descending: false })).toEqual([]);
});
