import { expect, test } from 'vitest';
import { searchTargets, type Target } from './targets.ts';

const target = (kind: Target['kind'], name: string, note: string): Target => ({
  kind,
  name,
  note,
  usable: true,
});
const targets = [
  target('host', 'host-1', '10.0.0.2'),
  target('host', 'host-2', '10.0.0.3'),
  target('pod', 'my-web', 'on host-1'),
  target('pod', 'web-1', 'on host-1'),
  target('pod', 'web-2', 'on host-2'),
];
const names = (search: string, limit = 10) => searchTargets(targets, search, limit).map(({ name }) => name);

test('without a search the order is the lab’s', () => {
  expect(names('  ', 2)).toEqual(['host-1', 'host-2']);
});

test('every word counts, wherever it is, and names that begin with it come first', () => {
  expect(names('web')).toEqual(['web-1', 'web-2', 'my-web']);
  expect(names('WEB host-1')).toEqual(['web-1', 'my-web']);
  expect(names('pod 2')).toEqual(['web-2']);
  expect(names('0.0.3')).toEqual(['host-2']);
  expect(names('nothing')).toEqual([]);
});
