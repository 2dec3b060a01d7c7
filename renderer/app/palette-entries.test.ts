import { expect, test } from 'vitest';
import { testHost, testLab } from '../stream/fixture.ts';
import type { Command } from './commands.ts';
import { groupEntries, namedEntries, type PaletteEntry } from './palette-entries.ts';

const command = (label: string, group: Command['group']): PaletteEntry => ({
  kind: 'command',
  command: { id: label, label, group, perform: () => {} },
});

test('hosts of the lab that is looked at lead to their pages', () => {
  const summary = {
    name: 'demo',
    state: 'up',
    createdAt: '2026-01-01T00:00:00.000Z',
    hosts: 1,
    pods: 0,
    backend: 'vxlan',
    cidr: '10.77.0.0/16',
    underlay: '10.78.0.0/24',
  } as const;
  expect(namedEntries([summary], null)).toMatchObject([{ kind: 'lab', detail: '1 host' }]);
  expect(namedEntries([summary], testLab([testHost('a')]))[1]).toMatchObject({
    kind: 'host',
    label: 'a',
    place: '/lab/demo/hosts/a',
  });
});

test('groups have their own order until something is searched; then the best comes first', () => {
  const entries = [
    command('Dark theme', 'View'),
    command('Probe all', 'Lab'),
    command('Light theme', 'View'),
  ];
  expect(groupEntries(entries, false).map(({ group, first }) => [group, first])).toEqual([
    ['Lab', 0],
    ['View', 1],
  ]);
  expect(groupEntries(entries, true).map(({ group, first }) => [group, first])).toEqual([
    ['View', 0],
    ['Lab', 2],
  ]);
});
