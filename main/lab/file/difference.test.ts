import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lab, labFile } from '../../../contract/lab.ts';
import { arbitraryLab, labOf } from '../../../test/support/labs.ts';
import { type LabDifference, labDifference } from './difference.ts';

const nothing: LabDifference = {
  hostsAdded: [],
  hostsRemoved: [],
  hostsRebuilt: [],
  podsAdded: [],
  podsRemoved: [],
  podsChanged: [],
  networkChanged: false,
  etcdMembersAdded: [],
  etcdMembersRemoved: [],
  etcdRebuilt: false,
};

test('a lab does not differ from itself, nor from what was stored of it', () => {
  fc.assert(
    fc.property(arbitraryLab, (lab) => {
      expect(labDifference(lab, structuredClone(lab))).toEqual(nothing);
      const stored: Lab = JSON.parse(JSON.stringify(lab));
      expect(labDifference(stored, lab)).toEqual(nothing);
    }),
  );
});

test('what is added on the way there is removed on the way back', () => {
  fc.assert(
    fc.property(arbitraryLab, arbitraryLab, (one, other) => {
      const there = labDifference(one, other);
      const back = labDifference(other, one);
      expect(back.hostsAdded).toEqual(there.hostsRemoved);
      expect(back.hostsRemoved).toEqual(there.hostsAdded);
      expect(back.podsAdded).toEqual(there.podsRemoved);
      expect(back.podsRemoved).toEqual(there.podsAdded);
      expect(back.etcdMembersAdded).toEqual(there.etcdMembersRemoved);
      expect(back.etcdMembersRemoved).toEqual(there.etcdMembersAdded);
      expect(back.networkChanged).toBe(there.networkChanged);
      expect(back.etcdRebuilt).toBe(there.etcdRebuilt);
      expect([...back.hostsRebuilt].sort()).toEqual([...there.hostsRebuilt].sort());
      expect([...back.podsChanged].sort()).toEqual([...there.podsChanged].sort());
    }),
  );
});

test('every host and pod of the new lab is new, changed or as before, and only one of them', () => {
  fc.assert(
    fc.property(arbitraryLab, arbitraryLab, (one, other) => {
      const { hostsAdded, hostsRebuilt, podsAdded, podsChanged } = labDifference(one, other);
      expect(hostsAdded.filter((name) => hostsRebuilt.includes(name))).toEqual([]);
      expect(podsAdded.filter((name) => podsChanged.includes(name))).toEqual([]);
      for (const host of other.hosts) {
        const before = one.hosts.find(({ name }) => name === host.name);
        expect(hostsAdded.includes(host.name)).toBe(before === undefined);
      }
    }),
  );
});

const lab = (change: Record<string, unknown> = {}, previous: Lab | null = null) =>
  labOf(
    labFile.parse({
      name: 'demo',
      hosts: [{ name: 'h1' }, { name: 'h2' }],
      pods: [{ name: 'a1', host: 'h1' }],
      ...change,
    }),
    previous,
  );

test.each<[string, Record<string, unknown>, Partial<LabDifference>]>([
  ['another backend', { network: { backend: 'udp' } }, { networkChanged: true }],
  ['another subnet length', { network: { subnetLength: 25 } }, { networkChanged: true }],
  ['another underlay MTU', { underlay: { mtu: 1400 } }, { hostsRebuilt: ['h1', 'h2'] }],
  [
    'more memory for one host',
    { hosts: [{ name: 'h1' }, { name: 'h2', provider: { type: 'sandbox', memory: 512 } }] },
    { hostsRebuilt: ['h2'] },
  ],
  ['another image', { pods: [{ name: 'a1', host: 'h1', image: 'nginx' }] }, { podsChanged: ['a1'] }],
  ['the pod on another host', { pods: [{ name: 'a1', host: 'h2' }] }, { podsChanged: ['a1'] }],
  ['no pod', { pods: [] }, { podsRemoved: ['a1'] }],
  ['no TLS', { etcd: { tls: false } }, { etcdRebuilt: true }],
  [
    'a third host',
    { hosts: [{ name: 'h1' }, { name: 'h2' }, { name: 'h3' }] },
    { hostsAdded: ['h3'], etcdMembersAdded: ['h2', 'h3'] },
  ],
  ['the hosts in another order', { hosts: [{ name: 'h2' }, { name: 'h1' }] }, {}],
])('%s', (_, change, expected) => {
  const before = lab();
  expect(labDifference(before, lab(change, before))).toEqual({ ...nothing, ...expected });
});
