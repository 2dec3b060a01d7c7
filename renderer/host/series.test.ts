import { expect, test } from 'vitest';
import type { Sample } from '../../contract/live.ts';
import { columnsOf, seriesOf } from './series.ts';

const sample = (at: number, cpu: number | null): Sample => ({
  host: 'h1',
  at,
  cpu,
  processors: 2,
  steal: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  overlay: null,
  underlay: { receivedBytes: at, sentBytes: 0, drops: 0 },
  peers: null,
});

const samples = [sample(1000, 0.1), sample(2000, null), sample(3000, 0.3)];

test('a series has the samples since a moment, also those without a value', () => {
  expect(seriesOf(samples, 'cpu', 2000)).toEqual([
    { at: 2000, value: null },
    { at: 3000, value: 0.3 },
  ]);
  expect(seriesOf(samples, 'overlaySent', 0).every(({ value }) => value === null)).toBe(true);
  expect(seriesOf([], 'cpu', 0)).toEqual([]);
});

test('columns stand side by side over the same moments', () => {
  expect(columnsOf(samples, ['cpu', 'underlayReceived'], 0, 2500)).toEqual({
    times: [1, 2],
    columns: [
      [0.1, null],
      [1000, 2000],
    ],
  });
});

test('where no sample came for long, a row without values keeps the line from going across', () => {
  const { times, columns } = columnsOf([sample(1000, 1), sample(100_000, 2)], ['cpu'], 0, 200_000);
  expect(columns).toEqual([[1, null, 2]]);
  expect(times[1]).toBeGreaterThan(1);
  expect(times[1]).toBeLessThan(100);
});
