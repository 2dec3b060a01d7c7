import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { parseConfig } from '../../../agent/lease/config.ts';
import { openEtcd } from '../../../agent/lease/etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from '../../../agent/lease/hold.ts';
import type { LeaseStore, Snapshot } from '../../../agent/lease/store.ts';
import { startTestEtcd } from '../../../agent/lease/test-etcd.ts';
import { createLatest } from '../../../agent/wait.ts';
import { formatCidr } from '../../../contract/ipv4.ts';
import type { EtcdKeys, OverlayHost, TestOverlay } from '../../support/overlay.ts';
import { grantLease, hostOf, overlaysFor } from '../overlays.ts';

/* What agents write into etcd: keys, values, leases, and what becomes of them. */

const overlays = overlaysFor('file');
let made: TestOverlay;
beforeAll(async () => {
  made = await overlays.make(4, null);
});

const network = '10.5.0.0/16';
const alloc = { Network: network, Backend: { Type: 'alloc' } };

const timeToLive = z.object({ TTL: z.string().default('-1'), grantedTTL: z.string().default('0') });
/** The seconds that a lease of etcd has left, and those that it was granted. */
function secondsOf(lease: string | null): { left: number; granted: number } {
  const { TTL, grantedTTL } = timeToLive.parse(made.gateway('/v3/lease/timetolive', { ID: lease ?? '0' }));
  return { left: Number(TTL), granted: Number(grantedTTL) };
}
const grant = (seconds: number): string => grantLease(made, seconds);

const keyOf = (subnet: string | null | undefined) => `subnets/${subnet?.replace('/', '-')}`;
const plainValue = (host: OverlayHost) => `{"PublicIP":"${host.address}","PublicIPv6":null}`;

function configure(prefix: string, config: object): EtcdKeys {
  const keys = made.under(prefix);
  keys.put('config', JSON.stringify(config));
  return keys;
}
/** Makes the agent of a host start as one whose earlier life had this subnet, or none. */
function writeSubnetFile(host: OverlayHost, address: string | null): void {
  rmSync(join(host.files, 'subnet.env.agent.json'), { force: true });
  writeFileSync(join(host.files, 'subnet.env'), address === null ? '' : `FLANNEL_SUBNET=${address}/24\n`);
}
const endAll = () => Promise.all(made.hosts.map((host) => host.end('SIGKILL')));

test('keys are path.Join(prefix, …), also without a leading slash; the values are these bytes, under an etcd lease of 86400 s; nothing else is written', async () => {
  const cases = [
    { given: 'odd//prefix/./', prefix: 'odd/prefix', type: 'udp', rest: () => '' },
    { given: '/hg', prefix: '/hg', type: 'host-gw', rest: () => ',"BackendType":"host-gw"' },
    {
      given: '/vx/',
      prefix: '/vx',
      type: 'vxlan',
      rest: (host: OverlayHost) =>
        `,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${/ether (\S+)/.exec(host.sh('ip link show flannel.1'))?.[1]}"}`,
    },
    { given: '/al', prefix: '/al', type: 'alloc', rest: () => '' },
  ];
  for (const [index, { given, prefix, type }] of cases.entries()) {
    configure(prefix, { Network: network, Backend: { Type: type } });
    hostOf(made, index + 1).start([`-etcd-prefix=${given}`]);
  }
  for (const [index, { prefix, rest }] of cases.entries()) {
    const host = hostOf(made, index + 1);
    await made.ready(host, 0);
    const keys = made.under(prefix);
    const key = `subnets/10.5.${host.number}.0-24`;
    expect(keys.names()).toEqual(['config', key]);
    const entry = keys.entry(key);
    expect(entry?.value).toBe(`{"PublicIP":"${host.address}","PublicIPv6":null${rest(host)}}`);
    const { left, granted } = secondsOf(entry?.lease ?? null);
    expect(granted).toBe(86_400);
    expect(left).toBeGreaterThan(86_300);
  }
});

test('vxlan: its own key deleted, or its lease revoked, is leased again under the same subnet, without a touch on the device (flanneld ends)', async () => {
  const host = hostOf(made, 3);
  const keys = made.under('/vx');
  const key = 'subnets/10.5.3.0-24';
  const device = () => host.sh('ip -o link show flannel.1');
  const before = { device: device(), entry: keys.entry(key), pid: host.pid() };
  keys.remove(key);
  const again = await made.until('key', () => keys.entry(key));
  expect(again).toMatchObject({ value: before.entry?.value });
  expect(secondsOf(again.lease).granted).toBe(86_400);
  await made.until('news of the new lease', () =>
    host.output().includes('it is leased again') ? true : null,
  );
  made.gateway('/v3/lease/revoke', { ID: again.lease });
  await made.until('key', () => (keys.read(key) === before.entry?.value ? true : null));
  expect(device()).toBe(before.device);
  expect([host.pid(), (await host.status())?.subnet]).toEqual([before.pid, '10.5.3.0/24']);
  await endAll();
});

test('acquiring: own leases that do not fit are deleted, one that does is taken again under a new lease; then comes the subnet of subnet.env, if it is free and fits; then a random one of the first 100', async () => {
  const [one, two, three, four] = [1, 2, 3, 4].map((number) => hostOf(made, number));
  if (one === undefined || two === undefined || three === undefined || four === undefined)
    throw new Error('four hosts expected');
  const first = configure('/own', alloc);
  const lease = grant(5000);
  first.put('subnets/10.5.9.0-25', plainValue(one), lease);
  first.put('subnets/10.6.9.0-24', plainValue(one), lease);
  const second = configure('/kept', alloc);
  second.put('subnets/10.5.77.0-24', plainValue(two), grant(5000));
  const third = configure('/taken', alloc);
  third.put('subnets/10.5.3.0-24', plainValue(one), grant(5000));
  const fourth = configure('/foreign', alloc);
  writeSubnetFile(four, '10.6.4.1');
  for (const [host, prefix] of [
    [one, '/own'],
    [two, '/kept'],
    [three, '/taken'],
    [four, '/foreign'],
  ] as const)
    host.start([`-etcd-prefix=${prefix}`]);

  await made.ready(one, 0);
  expect(first.names()).toEqual(['config', 'subnets/10.5.1.0-24']);

  await made.ready(two, 0);
  expect(second.names()).toEqual(['config', 'subnets/10.5.77.0-24']);
  expect(secondsOf(second.entry('subnets/10.5.77.0-24')?.lease ?? null).granted).toBe(86_400);

  const { subnet: other } = await made.ready(three, 1);
  expect(other).not.toBe('10.5.3.0/24');
  expect(third.read('subnets/10.5.3.0-24')).toBe(plainValue(one));

  const { subnet: random } = await made.ready(four, 0);
  expect(fourth.names()).toEqual(['config', keyOf(random)]);
  for (const subnet of [other, random]) {
    const third = Number(subnet?.split('.')[2]);
    expect(third >= 1 && third <= 101).toBe(true);
  }
  await endAll();
});

test('hosts that want one subnet at once get one each, and the losers try again (flanneld ends)', async () => {
  const keys = configure('/race', alloc);
  for (const host of made.hosts) writeSubnetFile(host, '10.5.200.1');
  for (const host of made.hosts) host.start(['-etcd-prefix=/race']);
  const statuses = await Promise.all(made.hosts.map((host) => made.ready(host)));
  const subnets = statuses.map(({ subnet }) => subnet);
  expect(new Set(subnets).size).toBe(4);
  expect(subnets).toContain('10.5.200.0/24');
  expect(keys.names().sort()).toEqual(['config', ...subnets.map(keyOf)].sort());
  for (const [index, host] of made.hosts.entries())
    expect(keys.read(keyOf(subnets[index]))).toBe(plainValue(host));
});

test('a key that is gone while its agent is down costs the subnet nothing: subnet.env names it', async () => {
  const one = hostOf(made, 1);
  const keys = made.under('/race');
  const { subnet = null } = (await one.status()) ?? {};
  await one.end('SIGKILL');
  keys.remove(keyOf(subnet));
  rmSync(join(one.files, 'subnet.env.agent.json'), { force: true });
  one.start(['-etcd-prefix=/race']);
  expect((await made.ready(one)).subnet).toBe(subnet);
});

test('renewal comes as long before the end as -subnet-lease-renew-margin says, an hour by default, under a new lease of 86400 s', async () => {
  const [one, two, three, four] = made.hosts;
  if (one === undefined || two === undefined || three === undefined || four === undefined)
    throw new Error('four hosts expected');
  const keys = made.under('/race');
  for (const [host, minutes] of [
    [two, 10],
    [four, 1439],
  ] as const) {
    await host.end('SIGKILL');
    host.start(['-etcd-prefix=/race', `-subnet-lease-renew-margin=${minutes}`]);
  }
  const given = await Promise.all(
    (
      [
        [one, 3602],
        [two, 602],
        [three, 3900],
        [four, 1439 * 60 + 2],
      ] as const
    ).map(async ([host, seconds]) => {
      const { subnet } = await made.ready(host);
      const key = keyOf(subnet);
      const lease = grant(seconds);
      // Another lease with the same value is the agent's own from then on.
      keys.put(key, plainValue(host), lease);
      return { key, lease };
    }),
  );
  const leases = () => given.map(({ key }) => keys.entry(key)?.lease ?? null);
  const renewed = await made.until('three renewals', () => {
    const now = leases();
    return now.filter((lease, index) => lease !== given[index]?.lease).length >= 3 ? now : null;
  });
  expect(renewed.map((lease, index) => lease === given[index]?.lease)).toEqual([false, false, true, false]);
  for (const index of [0, 1, 3]) expect(secondsOf(renewed[index] ?? null).granted).toBe(86_400);
  await endAll();
});

test('a reservation, which is a key without a lease, gets our value and stays one (flanneld gives it a lease of a day)', async () => {
  const one = hostOf(made, 1);
  const keys = configure('/reserved', alloc);
  keys.put('subnets/10.5.50.0-24', `{"PublicIP":"${one.address}"}`);
  one.start(['-etcd-prefix=/reserved']);
  expect(await made.ready(one, 0)).toMatchObject({ subnet: '10.5.50.0/24', lease: { expiresAt: null } });
  expect(keys.entry('subnets/10.5.50.0-24')).toMatchObject({ value: plainValue(one), lease: null });
});

test('a renewal is a transaction, and one that fails is tried again after 10 s (flanneld writes over whoever is there, and tries each minute)', async () => {
  const etcd = await startTestEtcd();
  const target = { endpoints: [etcd.endpoint], prefix: '/renew', tls: null, username: '', password: '' };
  const stored = openEtcd(target, () => {});
  const stop = new AbortController();
  try {
    const parsed = parseConfig(JSON.stringify(alloc));
    if (parsed.kind === 'invalid') throw new Error(parsed.reason);
    const value = '{"PublicIP":"192.168.50.11","PublicIPv6":null}';
    const wish: LeaseWish = {
      config: parsed.config,
      publicIp: 0xc0a8320b,
      value,
      previous: null,
      leaseId: null,
      leaseSeconds: 86_400,
      marginMilliseconds: 3_600_000,
    };
    let seconds = 0;
    const clock = { monotonic: () => seconds * 1000, wall: () => seconds * 1000 };
    const context = { signal: stop.signal, log: () => {}, clock, waitingFor: () => {}, random: Math.random };
    const first = await acquireLease(stored, wish, context);
    let refusals = 1;
    let tries = 0;
    const store: LeaseStore = {
      ...stored,
      // So that the clock alone says when to renew.
      secondsLeft: async () => 86_400 - seconds,
      grant: async (granted) => {
        tries += 1;
        if (tries <= refusals) throw new Error('away');
        return stored.grant(granted);
      },
    };
    const snapshots = createLatest<Snapshot>();
    const renewed: HeldLease[] = [];
    const keeping = keepLease(store, wish, first, snapshots, (held) => renewed.push(held), context);
    const at = async (time: number, ...expected: [tries: number, renewed: number]) => {
      seconds = time;
      // What the watch has seen is all that it knows: it is woken, and told nothing new.
      snapshots.publish(snapshot);
      await sleep(50);
      await expect
        .poll(() => [tries, renewed.filter(({ leaseId }) => leaseId !== first.leaseId).length], {
          timeout: 10_000,
        })
        .toEqual(expected);
    };
    const snapshot = await stored.list();
    await at(82_799, 0, 0);
    await at(82_800, 1, 0);
    await at(82_809, 1, 0);
    refusals = 0;
    await at(82_811, 2, 1);
    const key = `/renew/${keyOf(formatCidr(first.subnet))}`;
    const [entry] = (await etcd.client.get(key).exec()).kvs;
    expect(entry?.lease).toBe(renewed.at(-1)?.leaseId);

    const other = '{"PublicIP":"192.168.50.12","PublicIPv6":null}';
    await etcd.client.put(key).value(other);
    seconds += 86_400;
    snapshots.publish({
      ...snapshot,
      entries: (await stored.list()).entries.map((each) => ({
        ...each,
        value,
        leaseId: renewed.at(-1)?.leaseId ?? null,
        modRevision: renewed.at(-1)?.modRevision ?? 0,
      })),
    });
    expect(await keeping).toEqual({ owner: '192.168.50.12' });
    expect(await etcd.client.get(key).string()).toBe(other);
  } finally {
    stop.abort();
    stored.close();
    await etcd.remove();
  }
});
