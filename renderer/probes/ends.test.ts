import { expect, test } from 'vitest';
import { testHost, testLab, testProbe } from '../stream/fixture.ts';
import { endsByHost, endsOf, equalEnds, filterEnds, shortName } from './ends.ts';

const lab = testLab([testHost('h2'), testHost('h10')]);
const declared = { image: 'x', command: null, ports: [80], labels: {} };
const state = {
  ...lab,
  lab: {
    ...lab.lab,
    pods: ['h10-b', 'h10-a', 'h2-a10', 'h2-a9'].map((name) => ({
      name,
      host: name.split('-')[0] ?? '',
      ...declared,
    })),
  },
};

test('hosts keep the order of the lab, their pods are sorted as people count, and hosts only ask', () => {
  const { sources, targets } = endsOf(state);
  expect(targets.map(({ name }) => name)).toEqual(['h2-a9', 'h2-a10', 'h10-a', 'h10-b']);
  expect(sources.map(({ name }) => name)).toEqual(['h2-a9', 'h2-a10', 'h2', 'h10-a', 'h10-b', 'h10']);
});

test('an earlier moment has the ends of its own results, also those that are gone', () => {
  const { targets } = endsOf(state, [testProbe('h3-a', 'h2-a9', 'ping')]);
  expect(targets.map(({ name }) => name)).toContain('h3-a');
  expect(equalEnds(endsOf(state), endsOf(state, []))).toBe(true);
  expect(equalEnds(endsOf(state), endsOf(state, [testProbe('h3-a', 'h2-a9', 'ping')]))).toBe(false);
});

test('by host, each host is one row and one column', () => {
  const { sources, targets } = endsByHost(endsOf(state));
  expect(sources.map(({ name }) => name)).toEqual(['h2', 'h10']);
  expect(targets.map(({ name }) => name)).toEqual(['h2', 'h10']);
});

test('words are looked for in the host and the name, and all must be there', () => {
  const { targets } = endsOf(state);
  expect(filterEnds(targets, 'H10 b').map(({ name }) => name)).toEqual(['h10-b']);
  expect(filterEnds(targets, ' ')).toBe(targets);
  expect(filterEnds(targets, '', ({ name }) => name === 'h10-a')).toHaveLength(1);
});

test('a short name leaves out what stands above it', () => {
  expect(shortName({ kind: 'pod', name: 'h2-a', host: 'h2' })).toBe('a');
  expect(shortName({ kind: 'pod', name: 'web', host: 'h2' })).toBe('web');
});
