import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, cidrsOverlap, formatCidr, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { chooseSubnet, freeSubnets } from './choose.ts';
import { fitsConfig, type NetworkConfig, parseConfig } from './config.ts';
import type { StoredEntry } from './store.ts';
import { formatLeaseValue, formatSubnetKey } from './value.ts';

const range = (text: string): Cidr => parseCidr(text) ?? { base: 0, length: 0 };
const address = (text: string): number => parseIpv4(text) ?? 0;
const configOf = (value: unknown): NetworkConfig => {
  const parsed = parseConfig(JSON.stringify(value));
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return parsed.config;
};
const entry = (subnet: string, publicIp: string, leaseId: string | null = '7'): StoredEntry => ({
  name: formatSubnetKey(range(subnet)),
  value: formatLeaseValue(address(publicIp), {}),
  modRevision: 3,
  leaseId,
});

const config = configOf({ Network: '10.77.0.0/16' });
const own = '192.168.50.11';
const wish = { config, publicIp: address(own), previous: null, leaseId: null, random: () => 0 };

test('our own lease is used again, before a subnet of an earlier run', () => {
  const entries = [entry('10.77.3.0/24', '192.168.50.12'), entry('10.77.9.0/24', own)];
  const choice = chooseSubnet({ ...wish, entries, previous: range('10.77.4.0/24') });
  expect(choice).toEqual({ kind: 'own', entry: entries[1], subnet: range('10.77.9.0/24') });
});

test('of two leases of ours the one that Docker knows is used', () => {
  const entries = [entry('10.77.9.0/24', own), entry('10.77.8.0/24', own)];
  const choice = chooseSubnet({ ...wish, entries, previous: range('10.77.8.0/24') });
  expect(choice).toMatchObject({ kind: 'own', subnet: range('10.77.8.0/24') });
});

test.each(['10.77.0.0/24', '10.77.16.0/20', '10.88.3.0/24'])(
  'our lease %s does not fit and is deleted',
  (subnet) => {
    const entries = [entry(subnet, own), entry('10.77.3.0/24', '192.168.50.12')];
    const choice = chooseSubnet({ ...wish, entries });
    expect(choice).toEqual({ kind: 'delete', entries: [{ entry: entries[0], subnet: range(subnet) }] });
  },
);

test('the subnet of an earlier run is taken when it is free and fits', () => {
  const entries = [entry('10.77.3.0/24', '192.168.50.12')];
  const choose = (previous: string) => chooseSubnet({ ...wish, entries, previous: range(previous) });
  expect(choose('10.77.94.0/24')).toEqual({ kind: 'free', subnet: range('10.77.94.0/24') });
  expect(choose('10.77.3.0/24')).toEqual({ kind: 'free', subnet: range('10.77.1.0/24') });
  expect(choose('10.77.94.0/25')).toEqual({ kind: 'free', subnet: range('10.77.1.0/24') });
  expect(choose('10.78.94.0/24')).toEqual({ kind: 'free', subnet: range('10.77.1.0/24') });
});

test('a key holds its subnet, whatever its value; what names no subnet holds none', () => {
  const small = configOf({ Network: '10.77.0.0/28', SubnetLen: 30 });
  const key = (name: string): StoredEntry => ({ name, value: 'rubbish', modRevision: 1, leaseId: null });
  const entries = ['10.77.0.4-30', '10.77.0.8-30&fd00::-64', 'config'].map(key);
  expect(chooseSubnet({ ...wish, config: small, entries })).toEqual({
    kind: 'free',
    subnet: range('10.77.0.12/30'),
  });
  expect(chooseSubnet({ ...wish, config: small, entries: [...entries, key('10.77.0.12-30')] })).toEqual({
    kind: 'full',
  });
});

test('a dual-stack key of ours can not be written, so it is not used', () => {
  const dual = { ...entry('10.77.9.0/24', own), name: '10.77.9.0-24&fd00::-64' };
  expect(chooseSubnet({ ...wish, entries: [dual] })).toEqual({
    kind: 'free',
    subnet: range('10.77.1.0/24'),
  });
});

test('the choice is among the first hundred', () => {
  const last = chooseSubnet({ ...wish, entries: [], random: () => 0.999_999 });
  expect(last).toEqual({ kind: 'free', subnet: range('10.77.100.0/24') });
});

const configs = fc
  .record({
    third: fc.nat(255),
    length: fc.integer({ min: 20, max: 28 }),
    more: fc.integer({ min: 2, max: 6 }),
  })
  .map(({ third, length, more }) =>
    configOf({ Network: `10.77.${third}.0/${length}`, SubnetLen: Math.min(30, length + more) }),
  );
/** Ranges of any size in and around a network. */
const takenIn = (network: Cidr) =>
  fc.array(
    fc.tuple(fc.nat(8191), fc.integer({ min: 18, max: 32 })).map(([offset, length]): Cidr => {
      const inside = Math.max(0, network.base - 1024 + offset);
      return { base: inside - (inside % 2 ** (32 - length)), length };
    }),
    { maxLength: 40 },
  );

test('the free subnets are exactly those that fit and overlap nothing, lowest first', () => {
  fc.assert(
    fc.property(
      configs.chain((some) => fc.tuple(fc.constant(some), takenIn(some.network))),
      ([some, taken]) => {
        const expected: string[] = [];
        for (let base = some.subnetMin; base <= some.subnetMax; base += 2 ** (32 - some.subnetLength)) {
          const subnet = { base, length: some.subnetLength };
          if (!taken.some((each) => cidrsOverlap(each, subnet))) expected.push(formatCidr(subnet));
        }
        expect(freeSubnets(some, taken).map(formatCidr)).toEqual(expected.slice(0, 100));
      },
    ),
  );
});

test('what is chosen fits and is never taken; full means that nothing is free', () => {
  const cases = configs.chain((some) =>
    fc.tuple(
      fc.constant(some),
      takenIn(some.network),
      takenIn(some.network),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
    ),
  );
  fc.assert(
    fc.property(cases, ([some, taken, [previous = null], random]) => {
      const entries = taken.map((subnet) => entry(formatCidr(subnet), '192.168.50.12'));
      const choice = chooseSubnet({ ...wish, config: some, entries, previous, random: () => random });
      if (choice.kind === 'full') return freeSubnets(some, taken).length === 0;
      if (choice.kind !== 'free') return false;
      return fitsConfig(some, choice.subnet) && !taken.some((each) => cidrsOverlap(each, choice.subnet));
    }),
  );
});

test('a huge network with ten thousand leases is no burden', () => {
  const huge = configOf({ Network: '10.0.0.0/8', SubnetLen: 30 });
  const taken = Array.from({ length: 10_000 }, (_, index) => ({
    base: huge.subnetMin + index * 4,
    length: 30,
  }));
  const began = performance.now();
  expect(freeSubnets(huge, taken)[0]).toEqual({ base: huge.subnetMin + 40_000, length: 30 });
  expect(performance.now() - began).toBeLessThan(200);
});
