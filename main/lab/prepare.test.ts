import { describe, expect, test } from 'vitest';
import { type Lab, labFile } from '../../contract/lab.ts';
import { labOf } from '../../test/support/labs.ts';
import { Failure } from '../failure.ts';
import { noUpkeep } from './plan.ts';
import { changeOf, labFileOf } from './prepare.ts';
import type { LabRecord } from './state.ts';

interface Wanted {
  readonly hosts: string[];
  readonly pods?: [name: string, host: string][];
  readonly members?: 1 | 3 | 5;
  readonly extra?: Record<string, unknown>;
}

const lab = ({ hosts, pods = [], members, extra = {} }: Wanted, previous: Lab | null = null): Lab =>
  labOf(
    labFile.parse({
      name: 'demo',
      hosts: hosts.map((name) => ({ name })),
      pods: pods.map(([name, host]) => ({ name, host })),
      ...(members === undefined ? {} : { etcd: { members } }),
      ...extra,
    }),
    previous,
  );

/** What is remembered of a lab whose last `up` was of `last` and whose last good one was of `applied`. */
const record = (last: Lab, applied: Lab | null): LabRecord => ({
  lab: last,
  applied,
  complete: applied === last,
  createdAt: '2026-01-02T03:04:05Z',
  etcdStarts: {},
});

describe('a complete lab', () => {
  const was = lab({
    hosts: ['h1', 'h2', 'h3'],
    pods: [
      ['a1', 'h1'],
      ['a2', 'h2'],
      ['a3', 'h3'],
    ],
  });
  const change = (wanted: Wanted) => changeOf(record(was, was), lab(wanted, was));

  test('that stays as it is needs nothing', () => {
    expect(changeOf(record(was, was), was)).toEqual({ upkeep: noUpkeep, rebuild: false });
  });

  test('loses pods that are gone or moved, but not one by one those of a host that is gone', () => {
    const { upkeep } = change({ hosts: ['h1', 'h2', 'h4'], pods: [['a2', 'h1']], members: 3 });
    expect(upkeep.hostsRemoved).toEqual(['h3']);
    expect(upkeep.podsRemoved).toEqual([
      { name: 'a1', host: 'h1' },
      { name: 'a2', host: 'h2' },
    ]);
    expect(upkeep.etcdLeaving).toEqual(['h3']);
    expect(upkeep.etcdJoining).toEqual(['h4']);
  });

  test.each<[string, Wanted]>([
    ['TLS is switched off', { hosts: ['h1', 'h2', 'h3'], extra: { etcd: { tls: false } } }],
    ['the underlay has another MTU', { hosts: ['h1', 'h2', 'h3'], extra: { underlay: { mtu: 1400 } } }],
    ['no member stays', { hosts: ['h4', 'h5', 'h6'] }],
  ])('is rebuilt when %s', (_, wanted) => {
    expect(change(wanted)).toEqual({ upkeep: noUpkeep, rebuild: true });
  });
});

describe('a lab that is only half-built', () => {
  const half = lab({ hosts: ['h1', 'h2'], pods: [['a1', 'h2']] });

  test('is finished', () => {
    expect(changeOf(record(half, null), half)).toEqual({ upkeep: noUpkeep, rebuild: false });
  });

  test('loses what another file does not name', () => {
    const next = lab({ hosts: ['h1'], members: 1 }, half);
    expect(changeOf(record(half, null), next)).toEqual({
      upkeep: { ...noUpkeep, hostsRemoved: ['h2'] },
      rebuild: false,
    });
  });

  test('is rebuilt when it has other members: a cluster that never stood can take none in and let none go', () => {
    const three = lab({ hosts: ['h1', 'h2', 'h3'] });
    expect(changeOf(record(three, null), lab({ hosts: ['h1'] }, three)).rebuild).toBe(true);
    expect(changeOf(record(half, null), lab({ hosts: ['h1', 'h2', 'h3'] }, half)).rebuild).toBe(true);
  });
});

describe('a lab whose change did not end', () => {
  const good = lab({ hosts: ['h1'], pods: [['a1', 'h1']] });
  const more = lab(
    {
      hosts: ['h1', 'h2', 'h3'],
      pods: [
        ['a1', 'h1'],
        ['b1', 'h1'],
        ['b2', 'h2'],
      ],
    },
    good,
  );

  test('is finished with the same change', () => {
    expect(changeOf(record(more, good), more).upkeep).toEqual({ ...noUpkeep, etcdJoining: ['h2', 'h3'] });
  });

  test('loses what the change had begun when it is taken back', () => {
    expect(changeOf(record(more, good), lab({ hosts: ['h1'], pods: [['a1', 'h1']] }, more))).toEqual({
      upkeep: {
        hostsRemoved: ['h2', 'h3'],
        podsRemoved: [{ name: 'b1', host: 'h1' }],
        etcdLeaving: ['h2', 'h3'],
        etcdJoining: [],
      },
      rebuild: false,
    });
  });

  test('is rebuilt when a host that the change made is another now', () => {
    const bigger = {
      hosts: [{ name: 'h1' }, { name: 'h2', provider: { type: 'sandbox', memory: 512 } }, { name: 'h3' }],
    };
    expect(changeOf(record(more, good), lab({ hosts: [], extra: bigger }, more)).rebuild).toBe(true);
  });
});

describe('the name of a lab', () => {
  const source = (name?: string) => ({
    kind: 'file' as const,
    path: 'lab.yaml',
    text: 'name: demo\nhosts: [{name: h1}]\n',
    ...(name === undefined ? {} : { name }),
  });

  test('is the file’s, or the one that is asked for', () => {
    expect(labFileOf(source()).name).toBe('demo');
    expect(labFileOf(source('other')).name).toBe('other');
    expect(labFileOf({ kind: 'generated', hosts: 2, backend: 'udp', name: 'other' }).name).toBe('other');
  });

  test.each(['x', 'a'.repeat(33)])('keeps to the rules of the file also when it is asked for: %s', (name) => {
    for (const asked of [
      source(name),
      { kind: 'generated' as const, hosts: 1, backend: 'udp' as const, name },
    ]) {
      try {
        labFileOf(asked);
        expect.unreachable();
      } catch (thrown) {
        expect(thrown instanceof Failure && thrown.error.code).toBe('input-invalid');
      }
    }
  });
});
