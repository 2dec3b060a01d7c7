import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Cidr, formatCidr, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { createLatest } from '../wait.ts';
import { type NetworkConfig, parseConfig } from './config.ts';
import { openEtcd } from './etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from './hold.ts';
import type { KnownSnapshot, LeaseStore, Snapshot } from './store.ts';
import { startTestEtcd, type TestEtcd } from './test-etcd.ts';
import { formatLeaseValue, formatSubnetKey } from './value.ts';
import { followEntries } from './watch.ts';

const prefix = '/coreos.com/network';
const range = (text: string): Cidr => parseCidr(text) ?? { base: 0, length: 0 };
const address = (text: string): number => parseIpv4(text) ?? 0;
const keyOf = (subnet: Cidr | string) =>
  `${prefix}/subnets/${formatSubnetKey(typeof subnet === 'string' ? range(subnet) : subnet)}`;
const leaseValue = (publicIp: string) =>
  formatLeaseValue(address(publicIp), { BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: publicIp } });
const configOf = (value: unknown): NetworkConfig => {
  const parsed = parseConfig(JSON.stringify(value));
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return parsed.config;
};

const own = '192.168.50.11';
const other = '192.168.50.12';
const wishOf = (publicIp: string, change: Partial<LeaseWish> = {}): LeaseWish => ({
  config: configOf({ Network: '10.77.0.0/16' }),
  publicIp: address(publicIp),
  value: leaseValue(publicIp),
  previous: null,
  leaseId: null,
  leaseSeconds: 86_400,
  marginMilliseconds: 3_600_000,
  ...change,
});

let etcd: TestEtcd;
let store: LeaseStore;
let stop: AbortController;
let logged: string[];
let waits: string[];
const running: Promise<unknown>[] = [];
const stores: LeaseStore[] = [];

const context = () => ({
  signal: stop.signal,
  log: (line: string) => logged.push(line),
  waitingFor: (what: string | null) => what !== null && waits.push(what),
  random: Math.random,
});
let contacts: (string | null)[];
const openStore = (endpoints = [etcd.endpoint]): LeaseStore => {
  const target = { endpoints, prefix, tls: null, username: '', password: '' };
  const opened = openEtcd(target, (failure) => contacts.push(failure));
  stores.push(opened);
  return opened;
};

async function until<T>(what: string, look: () => Promise<T | null> | T | null, seconds = 10): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(20);
  }
  throw new Error(`no ${what} within ${seconds} s; log: ${logged.join(' | ')}; waits: ${waits.join(' | ')}`);
}

/** What etcd holds at a key, and how long its lease still lives; null for neither. */
async function stored(subnet: Cidr | string) {
  const { kvs } = await etcd.client.get(keyOf(subnet)).exec();
  const [entry] = kvs;
  if (entry === undefined) return null;
  const ttl =
    entry.lease === '0'
      ? null
      : Number((await etcd.client.leaseClient.leaseTimeToLive({ ID: entry.lease })).TTL);
  return { value: entry.value.toString(), lease: entry.lease, ttl };
}

/** Acquires, follows and keeps, as the agent does. */
async function hold(wish: LeaseWish) {
  const mine = openStore();
  const first = await acquireLease(mine, wish, context());
  const snapshots = createLatest<Snapshot>();
  const changes: HeldLease[] = [];
  const keeping = keepLease(mine, wish, first, snapshots, (held) => changes.push(held), context());
  const following = followEntries(mine, (snapshot) => snapshots.publish(snapshot), {
    ...context(),
    listAgainMilliseconds: 60_000,
  });
  running.push(
    keeping.catch(() => {}),
    following.catch(() => {}),
  );
  await until('first snapshot', () => snapshots.value);
  return { first, snapshots, changes, keeping };
}

beforeAll(async () => {
  etcd = await startTestEtcd();
});
afterAll(() => etcd.remove());
beforeEach(async () => {
  await etcd.client.delete().all();
  stop = new AbortController();
  setMaxListeners(0, stop.signal);
  contacts = [];
  logged = [];
  waits = [];
  store = openStore();
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  for (const opened of stores.splice(0)) opened.close();
});

test('a lease is acquired, used again and only then a new one', async () => {
  const first = await acquireLease(store, wishOf(own), context());
  expect(await stored(first.subnet)).toMatchObject({ value: leaseValue(own) });
  expect((await stored(first.subnet))?.ttl).toBeGreaterThan(86_300);
  const again = await acquireLease(store, wishOf(own), context());
  expect(again.subnet).toEqual(first.subnet);
  expect(again.leaseId).not.toBe(first.leaseId);
  // The lease that the key hung on before is not left to itself.
  expect(await store.secondsLeft(first.leaseId ?? '')).toBeNull();
  expect((await store.list()).entries).toHaveLength(1);
});

test('the subnet of an earlier run is leased again', async () => {
  const held = await acquireLease(store, wishOf(own, { previous: range('10.77.94.0/24') }), context());
  expect(formatCidr(held.subnet)).toBe('10.77.94.0/24');
});

test('a lease of ours that does not fit is deleted, those of others are not', async () => {
  await etcd.client.put(keyOf('10.88.3.0/24')).value(leaseValue(own));
  await etcd.client.put(keyOf('10.88.4.0/24')).value(leaseValue(other));
  await acquireLease(store, wishOf(own), context());
  expect(await stored('10.88.3.0/24')).toBeNull();
  expect(await stored('10.88.4.0/24')).not.toBeNull();
});

test('two agents that want one subnet get one each', async () => {
  const previous = range('10.77.94.0/24');
  const wishes = [wishOf(own, { previous }), wishOf(other, { previous })];
  const [one, two] = await Promise.all(wishes.map((wish) => acquireLease(openStore(), wish, context())));
  expect(one?.subnet).not.toEqual(two?.subnet);
  expect([one?.subnet, two?.subnet]).toContainEqual(previous);
});

test('twelve agents that start at once share twelve subnets; one more waits until one is free', async () => {
  const config = configOf({
    Network: '10.77.0.0/24',
    SubnetLen: 28,
    SubnetMin: '10.77.0.16',
    SubnetMax: '10.77.0.192',
  });
  const addresses = Array.from({ length: 12 }, (_, index) => `192.168.50.${20 + index}`);
  const held = await Promise.all(
    addresses.map((publicIp) => acquireLease(openStore(), wishOf(publicIp, { config }), context())),
  );
  expect(new Set(held.map(({ subnet }) => formatCidr(subnet))).size).toBe(12);
  const late = acquireLease(openStore(), wishOf(own, { config }), context());
  expect(await until('wait', () => waits.find((what) => what.includes('out of subnets')) ?? null)).toBe(
    'a free subnet: out of subnets, every /28 from 10.77.0.16 to 10.77.0.192 is leased',
  );
  await etcd.client.delete().key(keyOf('10.77.0.32/28'));
  expect(formatCidr((await late).subnet)).toBe('10.77.0.32/28');
});

test('a reservation is taken as it is and stays one', async () => {
  await etcd.client.put(keyOf('10.77.5.0/24')).value(formatLeaseValue(address(own), {}));
  const { first } = await hold(wishOf(own));
  expect(first).toMatchObject({ subnet: range('10.77.5.0/24'), leaseId: null, expiresAt: null });
  expect(await stored('10.77.5.0/24')).toEqual({ value: leaseValue(own), lease: '0', ttl: null });
});

test('a lease is renewed before it ends, by a new one', async () => {
  const { first, changes } = await hold(wishOf(own, { leaseSeconds: 5, marginMilliseconds: 4000 }));
  const renewed = await until('renewal', () => changes[0] ?? null);
  expect(renewed.leaseId).not.toBe(first.leaseId);
  expect(renewed.renewedAt.getTime() - first.renewedAt.getTime()).toBeGreaterThan(500);
  expect(await stored(first.subnet)).toMatchObject({ lease: renewed.leaseId, value: leaseValue(own) });
  await until('end of the old lease', async () =>
    (await store.secondsLeft(first.leaseId ?? '')) === null ? true : null,
  );
  expect(await stored(first.subnet)).not.toBeNull();
});

test('our key is leased again when it was deleted, and when its lease was revoked', async () => {
  const { first, changes } = await hold(wishOf(own));
  await etcd.client.delete().key(keyOf(first.subnet));
  await until('key', () => stored(first.subnet), 3);
  await until('news', () => (changes.length === 1 ? true : null));
  await etcd.client.leaseClient.leaseRevoke({ ID: changes[0]?.leaseId ?? '' });
  await until('key', () => stored(first.subnet), 3);
  expect(await stored(first.subnet)).toMatchObject({ value: leaseValue(own) });
});

test('a subnet that another host took is let go; that host is not written over', async () => {
  const { first, keeping } = await hold(wishOf(own));
  await etcd.client.put(keyOf(first.subnet)).value(leaseValue(other));
  expect(await keeping).toEqual({ owner: other });
  expect(await stored(first.subnet)).toMatchObject({ value: leaseValue(other) });
});

test('what an operator makes a reservation stays one', async () => {
  const { first, changes } = await hold(wishOf(own));
  await etcd.client.put(keyOf(first.subnet)).value(leaseValue(own));
  const adopted = await until('news', () => changes[0] ?? null);
  expect(adopted).toMatchObject({ leaseId: null, expiresAt: null });
});

test('a value of ours that was spoilt is written again, but not over and over', async () => {
  const { first } = await hold(wishOf(own));
  await etcd.client.put(keyOf(first.subnet)).value('rubbish');
  await until(
    'value',
    async () => ((await stored(first.subnet))?.value === leaseValue(own) ? true : null),
    3,
  );
  // As another host with our address would do.
  await etcd.client.put(keyOf(first.subnet)).value('rubbish');
  await sleep(1500);
  expect(await stored(first.subnet)).toMatchObject({ value: 'rubbish' });
});

/** Follows and keeps the newest names with their values. */
function follow() {
  const snapshots: Snapshot[] = [];
  const following = followEntries(openStore(), (snapshot) => snapshots.push(snapshot), {
    ...context(),
    listAgainMilliseconds: 60_000,
  });
  running.push(following.catch(() => {}));
  const names = () =>
    snapshots
      .at(-1)
      ?.entries.map(({ name }) => name)
      .sort() ?? null;
  return { snapshots, names };
}
const started = (followed: ReturnType<typeof follow>) => until('first list', () => followed.names());

test('two leases in one transaction and twenty rapid ones all arrive', async () => {
  const followed = follow();
  await started(followed);
  const put = (subnet: string) => etcd.client.put(keyOf(subnet)).value(leaseValue(other));
  await etcd.client.if('nothing', 'Version', '==', 0).then(put('10.77.1.0/24'), put('10.77.2.0/24')).commit();
  await until('two', () => (followed.names()?.length === 2 ? true : null));
  await Promise.all(Array.from({ length: 20 }, (_, index) => put(`10.77.${100 + index}.0/24`)));
  await until('all', () => (followed.names()?.length === 22 ? true : null));
  await etcd.client.delete().key(keyOf('10.77.1.0/24'));
  await until('removal', () => (followed.names()?.length === 21 ? true : null));
});

test('a peer that keeps its subnet but changes its address is news', async () => {
  await etcd.client.put(keyOf('10.77.1.0/24')).value(leaseValue(other));
  const followed = follow();
  await started(followed);
  await etcd.client.put(keyOf('10.77.1.0/24')).value(leaseValue('192.168.50.13'));
  await until('news', () =>
    followed.snapshots.at(-1)?.entries[0]?.value === leaseValue('192.168.50.13') ? true : null,
  );
});

test('a foreign key and a malformed value cost nobody anything', async () => {
  const followed = follow();
  await started(followed);
  await etcd.client.put(`${prefix}/subnets/rubbish`).value(Buffer.from([0xff, 0xfe]));
  await etcd.client.put(keyOf('10.77.9.0/24')).value('{"PublicIP":');
  await etcd.client.put(`${prefix}/subnets-of-another/10.77.8.0-24`).value(leaseValue(other));
  await etcd.client.put(keyOf('10.77.1.0/24')).value(leaseValue(other));
  await until('all', () => (followed.names()?.length === 3 ? true : null));
  const held = await acquireLease(store, wishOf(own, { previous: range('10.77.9.0/24') }), context());
  expect(held.subnet).not.toEqual(range('10.77.9.0/24'));
});

test('a compaction past what the watch asks for is healed by a new list', async () => {
  const broken = openStore();
  // As if the list had been made long before the watch.
  const stale: LeaseStore = {
    ...broken,
    list: async () => {
      const listed = await broken.list();
      for (const subnet of ['10.77.1.0/24', '10.77.2.0/24'])
        await etcd.client.put(keyOf(subnet)).value(leaseValue(other));
      const { header } = await etcd.client.put('elsewhere').value('');
      await etcd.client.kv.compact({ revision: header.revision, physical: true });
      stale.list = broken.list;
      return listed;
    },
  };
  const snapshots: Snapshot[] = [];
  running.push(
    followEntries(stale, (snapshot) => snapshots.push(snapshot), {
      ...context(),
      listAgainMilliseconds: 60_000,
    }).catch(() => {}),
  );
  await until('both', () => (snapshots.at(-1)?.entries.length === 2 ? true : null), 3);
  expect(logged.join()).toContain('compacted');
});

test('one endpoint that is down does no harm beside one that is not', async () => {
  const mine = openStore(['http://127.0.0.1:1', etcd.endpoint]);
  for (let round = 0; round < 5; round += 1) {
    const { revision } = await mine.list();
    const watch = await mine.watch(
      revision,
      () => {},
      () => {},
    );
    watch.close();
  }
  expect(contacts.filter((failure) => failure !== null)).toEqual([]);
  await acquireLease(mine, wishOf(own), context());
});

test('an etcd that is away at start is waited for', async () => {
  await etcd.stop();
  const acquiring = acquireLease(store, wishOf(own), context());
  await until('wait', () => waits.find((what) => what.startsWith('etcd to lease a subnet')) ?? null);
  await etcd.start();
  const back = Date.now();
  await acquiring;
  expect(Date.now() - back).toBeLessThan(2500);
});

test('an etcd that restarts costs no event, and is found again soon', async () => {
  const { first, snapshots } = await hold(wishOf(own));
  const followed = follow();
  await started(followed);
  await etcd.stop();
  await sleep(1500);
  await etcd.start();
  await etcd.client.put(keyOf('10.99.1.0/24')).value(leaseValue(other));
  await until('news', () => (followed.names()?.length === 2 ? true : null), 6);
  await until('news', () => (snapshots.value?.entries.length === 2 ? true : null), 6);
  expect(await stored(first.subnet)).toMatchObject({ value: leaseValue(own) });
});

test('an etcd that restarts empty gets our lease again; its other leases are kept for the grace period', async () => {
  const { first } = await hold(wishOf(own));
  await etcd.client.put(keyOf('10.99.1.0/24')).value(leaseValue(other));
  const seen: KnownSnapshot[] = [];
  const following = followEntries(openStore(), (snapshot) => seen.push(snapshot), {
    ...context(),
    listAgainMilliseconds: 60_000,
    graceMilliseconds: 4000,
  });
  running.push(following.catch(() => {}));
  await until('both', () => (seen.at(-1)?.entries.length === 2 ? true : null));
  await etcd.stop();
  etcd.wipe();
  await etcd.start();
  await until('own lease', () => stored(first.subnet), 20);
  const last = () => seen.at(-1);
  await until(
    'the end of the grace',
    () => (logged.some((line) => line.endsWith('they go')) ? true : null),
    20,
  );
  const after = seen.filter(({ kept }) => kept.length > 0);
  expect(after.at(-1)?.kept.map(({ name }) => name)).toEqual(['10.99.1.0-24']);
  // At no moment was the peer unknown before the grace ended.
  const names = seen.slice(0, -1).map(({ entries, kept }) => [...entries, ...kept].map(({ name }) => name));
  expect(
    names.slice(names.findIndex((all) => all.length === 2)).every((all) => all.includes('10.99.1.0-24')),
  ).toBe(true);
  expect(last()?.kept).toEqual([]);
  expect(last()?.entries.map(({ name }) => name)).toEqual([formatSubnetKey(first.subnet)]);
});

test('a frozen etcd is noticed, and all that it held back arrives when it thaws', async () => {
  const followed = follow();
  await started(followed);
  etcd.signal('SIGSTOP');
  const began = Date.now();
  await expect(store.list()).rejects.toThrow(/deadline/i);
  expect(Date.now() - began).toBeLessThan(4000);
  await until('break', () => logged.find((line) => line.startsWith('the watch of leases broke')) ?? null, 12);
  etcd.signal('SIGCONT');
  await etcd.client.put(keyOf('10.77.1.0/24')).value(leaseValue(other));
  await until('news', () => (followed.names()?.length === 1 ? true : null), 8);
});

test('a stop ends every wait at once', async () => {
  await etcd.stop();
  const acquiring = acquireLease(store, wishOf(own), context());
  const following = followEntries(store, () => {}, { ...context(), listAgainMilliseconds: 60_000 });
  const both = Promise.allSettled([acquiring, following]);
  await sleep(300);
  const began = Date.now();
  stop.abort();
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(Date.now() - began).toBeLessThan(200);
  await etcd.start();
});
