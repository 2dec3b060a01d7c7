import { expect, test } from 'vitest';
import { testTask } from '../tasks/fixture.ts';
import { freeLabName, labHealth, newestTask } from './health.ts';

const up = { name: 'demo', state: 'up' } as const;
const proof = { pairs: 6, greenPairs: 6, cells: 24, greenCells: 24, mtu: 1450, rttMilliseconds: 0.2 };
const done = testTask([], { state: 'done', seconds: 5, proof });
const now = Date.parse(done.startedAt) + 60_000;

test('a lab that nobody measured is not green, only up', () => {
  expect(labHealth(up, null, [], now)).toEqual({ health: 'stale', word: 'up' });
});

test('the last proof counts while it is fresh', () => {
  expect(labHealth(up, null, [done], now)).toEqual({ health: 'good', word: '6/6' });
  expect(labHealth(up, null, [done], now + 3_600_000)).toEqual({ health: 'stale', word: '6/6' });
  const red = { ...done, proof: { ...proof, greenPairs: 2 } };
  expect(labHealth(up, null, [red], now)).toEqual({ health: 'bad', word: '2/6' });
});

test('work on a lab comes before what was measured of it', () => {
  const work = testTask([], { id: '2', startedAt: '2026-01-01T00:00:30.000Z' });
  expect(labHealth({ ...up, state: 'busy' }, null, [done, work], now)).toEqual({
    health: 'working',
    word: 'building',
  });
  expect(labHealth({ ...up, state: 'busy' }, null, [done], now).word).toBe('busy');
  expect(labHealth({ ...up, state: 'half-built' }, null, [], now).health).toBe('warning');
});

test('what is looked at knows better than an old proof', () => {
  const verdict = {
    health: 'bad',
    sentence: '1 host lost: a',
    pairs: 6,
    greenPairs: 6,
    rttMilliseconds: null,
    mtu: null,
    measuredAt: null,
    worst: null,
  } as const;
  expect(labHealth(up, verdict, [done], now)).toEqual({ health: 'bad', word: 'host lost' });
  expect(labHealth(up, { ...verdict, health: 'good' }, [], now)).toEqual({ health: 'good', word: '6/6' });
});

test('the newest task of the kinds asked for is found', () => {
  const probe = testTask([], { id: 'p', kind: 'probe', startedAt: '2026-01-02T00:00:00.000Z' });
  expect(newestTask([probe, done], 'demo', ['up'])?.id).toBe(done.id);
  expect(newestTask([probe, done], 'other', ['up'])).toBeNull();
});

test('a new lab takes a name that is free', () => {
  expect(freeLabName(['flatland', 'flatland-3'])).toBe('flatland-2');
  expect(freeLabName([])).toBe('flatland');
});
