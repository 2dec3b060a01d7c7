import { vxlanState } from '../../agent/backend/vxlan-state.ts';
import { chooseSubnet } from '../../agent/lease/choose.ts';
import { fitsConfig, type NetworkConfig, parseConfig } from '../../agent/lease/config.ts';
import { createLeaseReader } from '../../agent/lease/peers.ts';
import type { EntryChange, StoredEntry } from '../../agent/lease/store.ts';
import { formatLeaseValue, formatSubnetKey, parseLease, parseSubnetKey } from '../../agent/lease/value.ts';
import { applyChanges, enterChanges, enterList, type Known } from '../../agent/lease/watch.ts';
import { parseState } from '../../agent/saved-state.ts';
import { cidrContains, cidrSize, cidrsOverlap, formatCidr, parseCidr } from '../../contract/ipv4.ts';
import { mutateText } from './mutate.ts';
import type { Random } from './random.ts';
import { hold, type Target } from './target.ts';

/* What comes from etcd, where anybody may have written anything. */

/** A reason goes into a line of the log and into the status. */
const longestReason = 400;

const configs = [
  '{"Network":"10.77.0.0/16"}',
  '{"Network":"10.77.0.0/16","SubnetLen":26,"SubnetMin":"10.77.9.0","SubnetMax":"10.77.200.0","Backend":{"Type":"udp","Port":7890}}',
  '{"EnableIPv4":true,"EnableIPv6":false,"Network":"10.0.0.0/8","IPv6Network":"fd00::/48","IPv6SubnetLen":64,"Backend":{"Type":"host-gw"}}',
  '{"network":"10.5.0.0/20","BACKEND":{"type":"VXLAN","VNI":4096,"Port":8472,"GBP":true,"Learning":true,"DirectRouting":true,"MTU":1400}}',
  '{"Network":"172.16.0.0/28","SubnetLen":30,"Backend":{"Type":"alloc"}}',
] as const;
const configWords = [
  '"Network":',
  '"SubnetLen":',
  '"SubnetMin":"10.77.8.0"',
  '"SubnetMax":"10.77.4.0"',
  '"Backend":',
  '"Type":"vxlan"',
  '"VNI":-1',
  '"Port":1e3',
  '"MTU":0',
  'null',
  '"10.0.0.0/0"',
  '"__proto__":',
  '0.0.0.0',
] as const;

function checkConfig(config: NetworkConfig): void {
  const { network, subnetLength, subnetMin, subnetMax, backend } = config;
  const size = 2 ** (32 - subnetLength);
  hold(network.length > 0 && network.base % cidrSize(network) === 0, 'the network is aligned');
  hold(subnetLength >= network.length + 2 && subnetLength <= 30, 'at least four subnets, none too small');
  for (const bound of [subnetMin, subnetMax])
    hold(cidrContains(network, bound) && bound % size === 0, 'a bound is a subnet of the network');
  if (backend.type === 'udp') hold(backend.port > 0 && backend.port < 65536, 'a port');
  if (backend.type === 'vxlan') {
    hold(backend.vni >= 0 && backend.vni < 2 ** 24 && Number.isInteger(backend.vni), 'a VNI');
    hold(backend.port >= 0 && backend.port < 65536 && Number.isInteger(backend.port), 'a port');
    hold(backend.mtu === null || (backend.mtu >= 118 && backend.mtu < 65536), 'an MTU');
  }
}

const config: Target = {
  name: 'config',
  share: 0.2,
  feed(random) {
    const text = mutateText(random, random.pick(configs), configWords);
    const parsed = parseConfig(text);
    if (parsed.kind === 'config') checkConfig(parsed.config);
    else hold(parsed.reason.length > 0 && parsed.reason.length < longestReason, 'a short reason');
  },
};

const network = parseCidr('10.77.0.0/16') ?? { base: 0, length: 16 };
const own = {
  network,
  subnet: { base: network.base + 0x100, length: 24 },
  publicIp: 0xc0a8320b,
  mac: '02:00:00:00:00:01',
};

const keys = [
  '10.77.2.0-24',
  '10.77.3.0-24',
  '10.77.2.0-25',
  '10.77.1.128-25',
  '10.77.4.0-24&fd00::-64',
] as const;
const values = [
  '{"PublicIP":"192.168.50.12","PublicIPv6":null}',
  '{"PublicIP":"192.168.50.13","PublicIPv6":null,"BackendType":"host-gw"}',
  '{"PublicIP":"192.168.50.14","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"be:94:88:dc:fb:3d"}}',
  '{"publicip":"192.168.50.15","BackendType":"vxlan","BackendData":{"VNI":70000,"VtepMAC":"BE-94-88-DC-FB-3E"}}',
] as const;
const valueWords = [
  '"PublicIP":"1.2.3.4"',
  '"BackendType":"vxlan"',
  '"BackendData":',
  '"VtepMAC":',
  'null',
  '"ff:ff:ff:ff:ff:ff"',
  '"00:00:00:00:00:00"',
  '192.168.50.11',
  '"__proto__":',
] as const;
/** What a backend may have put into its lease, or somebody who means no good. */
const dataOf = (random: Random): string => {
  if (random.chance(0.01)) {
    const depth = random.between(50, 30_000);
    return '['.repeat(depth) + ']'.repeat(depth);
  }
  return random.pick([
    'null',
    '7',
    '[]',
    '{"VtepMAC":7}',
    '{"VtepMAC":"02:00:00:00:00:07"}',
    '"\\ud800"',
    '{"__proto__":{"VtepMAC":"02:00:00:00:00:08"}}',
  ]);
};
const leaseValueOf = (random: Random): string =>
  random.chance(0.5)
    ? random.pick(values)
    : `{"PublicIP":"192.168.50.${random.below(300)}","BackendType":"vxlan","BackendData":${dataOf(random)}}`;
const keyWords = ['-24', '-0', '-32', '&fd00::-64', '10.77.1.0', '0.0.0.0', '/'] as const;

function entryOf(random: Random, modRevision: number): StoredEntry {
  const key = random.pick(keys);
  const value = leaseValueOf(random);
  return {
    name: random.chance(0.5) ? key : mutateText(random, key, keyWords),
    value: random.chance(0.3) ? value : mutateText(random, value, valueWords),
    modRevision,
    leaseId: random.pick(['1', '2', null]),
  };
}

function checkLease({ name, value }: StoredEntry): void {
  const parsed = parseLease(name, value);
  if (parsed.kind === 'malformed') {
    hold(parsed.reason.length > 0 && parsed.reason.length < longestReason, 'a short reason');
    return;
  }
  const { lease } = parsed;
  hold(lease.subnet.base % cidrSize(lease.subnet) === 0, 'an aligned subnet');
  hold(name.startsWith(formatSubnetKey(lease.subnet)), 'the subnet is that of the key');
  hold(lease.publicIp >= 0 && lease.publicIp <= 0xffffffff, 'an address');
  // As our own saved state has it, and as our own key would.
  JSON.stringify(lease);
  const { BackendType, BackendData } = { BackendType: lease.backendType, BackendData: lease.backendData };
  const again = parseLease(name, formatLeaseValue(lease.publicIp, { BackendType, BackendData }));
  hold(
    again.kind === 'lease' && JSON.stringify(again.lease) === JSON.stringify(lease),
    'what is written is read back',
  );
}

const external = { name: 'eth0', index: 2, mtu: 1500, address: own.publicIp, publicIp: own.publicIp };
const configOf = (text: string): NetworkConfig => {
  const parsed = parseConfig(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return parsed.config;
};
const savedConfig = configOf('{"Network":"10.77.0.0/16","Backend":{"Type":"vxlan"}}');

const lease: Target = {
  name: 'lease',
  share: 0.3,
  feed(random) {
    const entries = Array.from({ length: random.between(1, 3) }, (_, index) => entryOf(random, index + 1));
    for (const entry of entries) checkLease(entry);
    const snapshot = { clusterId: '1', revision: 9, entries, kept: [] };
    const { leases, malformed } = createLeaseReader()(snapshot, own.subnet);
    for (const { subnet, reason } of malformed)
      hold(
        subnet.length <= 100 && (reason?.length ?? 0) < longestReason,
        'little of a stranger’s key is shown',
      );
    const state = vxlanState(own, 'flannel.1', leases, new Map());
    const destinations = new Set<string>();
    for (const { destination } of state.routes) {
      hold(cidrContains(network, destination.base), 'a route leads into the network');
      hold(destination.length >= network.length, 'a route is no wider than the network');
      hold(!cidrsOverlap(destination, own.subnet), 'no route takes our own subnet');
      hold(!destinations.has(formatCidr(destination)), 'one route for each subnet');
      destinations.add(formatCidr(destination));
    }
    const places = new Map<string, number>();
    for (const { mac, destination } of state.fdb) {
      hold(
        /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) && Number.parseInt(mac.slice(0, 2), 16) % 2 === 0,
        'a MAC',
      );
      hold(!places.has(mac) && mac !== own.mac, 'a MAC has one place, and ours none');
      places.set(mac, destination);
    }
    const saved = { version: 1, prefix: '/', config: savedConfig, external, subnet: own.subnet };
    const text = JSON.stringify({ ...saved, leaseId: null, expiresAt: null, leases });
    hold(
      JSON.stringify(parseState(text)?.leases) === JSON.stringify(leases),
      'a later life reads the same leases',
    );
  },
};

const choosable = [
  configOf('{"Network":"10.77.0.0/22","SubnetLen":24}'),
  configOf('{"Network":"10.77.0.0/16","SubnetMin":"10.77.2.0","SubnetMax":"10.77.3.0"}'),
  configOf('{"Network":"10.77.0.0/28","SubnetLen":30}'),
] as const;

const choose: Target = {
  name: 'choose',
  feed(random) {
    const chosen = random.pick(choosable);
    const entries = Array.from({ length: random.below(6) }, (_, index) => entryOf(random, index + 1));
    const publicIp = random.pick([own.publicIp, 0xc0a8320c, 0xc0a8320d]);
    const previous = random.chance(0.5) ? parseSubnetKey(random.pick(keys)) : null;
    const choice = chooseSubnet({
      config: chosen,
      entries,
      publicIp,
      previous,
      leaseId: random.pick(['1', '9', null]),
      random: () => random.below(1000) / 1000,
    });
    if (choice.kind === 'free') {
      hold(fitsConfig(chosen, choice.subnet), 'a chosen subnet fits');
      for (const { name } of entries) {
        const taken = parseSubnetKey(name);
        hold(taken === null || !cidrsOverlap(taken, choice.subnet), 'a chosen subnet is free');
      }
    }
    if (choice.kind === 'own') hold(fitsConfig(chosen, choice.subnet), 'a kept subnet fits');
    const written = choice.kind === 'delete' ? choice.entries : choice.kind === 'own' ? [choice] : [];
    for (const { entry, subnet } of written)
      hold(formatSubnetKey(subnet) === entry.name, 'only a key that we can write is written or deleted');
  },
};

const sorted = (entries: ReadonlyMap<string, StoredEntry>) =>
  JSON.stringify([...entries].sort(([one], [other]) => (one < other ? -1 : 1)));

const watch: Target = {
  name: 'watch',
  share: 0.3,
  feed(random) {
    let known: Known = { clusterId: 'a', revision: 0, entries: new Map(), kept: new Map() };
    let clusterId = 'a';
    let revision = 0;
    const stored = new Map<string, StoredEntry>();
    let old: EntryChange[] = [];
    for (let step = 0; step < 8; step += 1) {
      const changes: EntryChange[] = [];
      for (let count = random.below(4); count > 0; count -= 1) {
        // Several changes may have one revision, when they were one transaction.
        if (changes.length === 0 || random.chance(0.7)) revision += 1;
        const name = random.pick(keys);
        const isPut = random.chance(0.7);
        const entry = { name, value: random.pick(values), modRevision: revision, leaseId: null };
        if (isPut) stored.set(name, entry);
        else stored.delete(name);
        changes.push(isPut ? { kind: 'put', entry } : { kind: 'delete', name, modRevision: revision });
      }
      const isLost = random.chance(0.1);
      if (isLost) {
        stored.clear();
        revision = random.below(revision + 1);
        if (random.chance(0.5)) clusterId += 'b';
      }
      const isListed = isLost || random.chance(0.2);
      if (isListed) {
        const { entries: before, kept: keptBefore } = known;
        const listed = { clusterId, revision, entries: [...stored.values()] };
        const after = enterList(known, listed);
        for (const name of after.known.kept.keys())
          hold(before.has(name) || keptBefore.has(name), 'what is kept was known');
        known = after.known;
        old = [];
      } else {
        // A watch that resumes may repeat the end of what it said.
        const again = old.slice(random.below(old.length + 1));
        const cut = random.below(again.length + 1);
        const before = sorted(known.entries);
        known = enterChanges(known, again.slice(0, cut));
        hold(sorted(known.entries) === before, 'what is old changes nothing');
        known = enterChanges(known, [...again.slice(cut), ...changes]);
        old = [...old, ...changes];
      }
      hold(sorted(known.entries) === sorted(stored), 'what is known is what is stored');
      hold(known.revision === revision || changes.length === 0 || isListed, 'the revision is the newest');
      for (const name of known.kept.keys())
        hold(!known.entries.has(name), 'what is stored is not kept besides');
    }
    const state = applyChanges(known, old);
    hold(sorted(state.entries) === sorted(known.entries), 'what is old changes nothing');
  },
};

export const leaseTargets: readonly Target[] = [config, lease, choose, watch];
