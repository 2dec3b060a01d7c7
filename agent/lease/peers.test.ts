import { expect, test } from 'vitest';
import { formatIpv4, parseIpv4 } from '../../contract/ipv4.ts';
import { createLeaseReader } from './peers.ts';
import type { StoredEntry } from './store.ts';

const network = parseIpv4('10.0.0.0') ?? 0;
const own = { base: network, length: 24 };
const entry = (index: number, value?: string): StoredEntry => ({
  name: `${formatIpv4(network + index * 256)}-24`,
  value: value ?? JSON.stringify({ PublicIP: formatIpv4(0xc0a80000 + index) }),
  modRevision: index + 1,
  leaseId: '1',
});
const snapshot = (entries: readonly StoredEntry[], kept: readonly StoredEntry[] = []) => ({
  clusterId: '1',
  revision: 1,
  entries,
  kept,
});

test('our own lease is no peer, what is malformed is one that is ignored, what is kept counts', () => {
  const { leases, malformed } = createLeaseReader()(
    snapshot([entry(0), entry(1), entry(2, 'rubbish')], [entry(3)]),
    own,
  );
  expect(leases.map(({ publicIp }) => publicIp - 0xc0a80000)).toEqual([1, 3]);
  expect(malformed).toEqual([
    { subnet: '10.0.2.0-24', publicIp: '', backendType: '', state: 'ignored', reason: 'it is not JSON' },
  ]);
});

test('of four thousand leases only the changed one is parsed again', () => {
  const read = createLeaseReader();
  const entries = Array.from({ length: 4000 }, (_, index) => entry(index + 1));
  const before = read(snapshot(entries), own);
  const changed = entries.map((one, index) => (index === 7 ? entry(8, '{"PublicIP":"1.2.3.4"}') : one));
  const after = read(snapshot(changed), own);
  expect(after.leases).toHaveLength(4000);
  expect(after.leases.filter((lease, index) => lease !== before.leases[index])).toEqual([after.leases[7]]);
  expect(after.leases[7]?.publicIp).toBe(parseIpv4('1.2.3.4'));
});

test('what went and came back is read anew', () => {
  const read = createLeaseReader();
  read(snapshot([entry(1)]), own);
  expect(read(snapshot([]), own).leases).toEqual([]);
  expect(read(snapshot([entry(1)]), own).leases).toHaveLength(1);
});
