import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from './test-cluster.ts';
import { startTestEtcd, type TestEtcd } from './test-etcd.ts';
import { type Holders, keyOf, leaseValue, makeHolders, wishOf } from './test-holder.ts';
import { startTestProxy, type TestProxy } from './test-proxy.ts';
import { formatSubnetKey } from './value.ts';

/* Leases with an etcd that has bad luck: parts of it gone or cut off, slow, restored from a backup, out of reach for long. */

let holders: Holders;
let etcd: TestEtcd | null = null;
let cluster: TestCluster | null = null;
const proxies: TestProxy[] = [];

beforeEach(() => {
  holders = makeHolders();
});
afterEach(async () => {
  await holders.close();
  for (const proxy of proxies.splice(0)) await proxy.close();
  await etcd?.remove();
  await cluster?.remove();
  etcd = null;
  cluster = null;
});

const own = '192.168.50.11';
const other = '192.168.50.12';

async function startProxied(): Promise<{ etcd: TestEtcd; proxy: TestProxy }> {
  const started = await startTestEtcd();
  etcd = started;
  const proxy = await startTestProxy({ host: '127.0.0.1', port: Number(new URL(started.endpoint).port) });
  proxies.push(proxy);
  return { etcd: started, proxy };
}

test('a leader that is killed under a watch costs no event and no lease', async () => {
  const started = await startTestCluster();
  cluster = started;
  const endpoints = started.members.map(({ endpoint }) => endpoint);
  const held = await holders.hold(holders.open(endpoints), wishOf(own));
  const follower = await holders.follow(holders.open(endpoints));
  const leader = await started.leader();
  const others = started.members.filter((member) => member !== leader);
  await leader.kill();
  const next = await started.leader();
  expect(others).toContain(next);
  await next.client.put(keyOf('10.99.1.0-24')).value(leaseValue(other));
  await holders.until('news', () => (follower.names().includes('10.99.1.0-24') ? true : null));
  // The one that was killed comes back, and the next one goes.
  leader.start();
  await holders.until('return', () =>
    leader.client.get('leader').then(
      () => true,
      () => null,
    ),
  );
  await next.kill();
  const last = await started.leader();
  await last.client.put(keyOf('10.99.2.0-24')).value(leaseValue(other));
  await holders.until('more news', () => (follower.names().includes('10.99.2.0-24') ? true : null));
  // And all of them at once.
  for (const member of started.members) await member.kill();
  await holders.until('outage', () =>
    holders.logged.at(-1)?.startsWith('the watch of leases broke') === true ? true : null,
  );
  for (const member of started.members) member.start();
  const again = await started.leader();
  await again.client.put(keyOf('10.99.3.0-24')).value(leaseValue(other));
  await holders.until('news after all', () => (follower.names().includes('10.99.3.0-24') ? true : null));
  expect(holders.logged.filter((line) => line.includes('circuit'))).toEqual([]);
  expect(held.owner()).toBe(null);
  const key = await again.client.get(keyOf(formatSubnetKey(held.first.subnet))).string();
  expect(key).toBe(leaseValue(own));
  // At no moment was a lease missing that was there before.
  const sizes = follower.snapshots.map(({ entries, kept }) => entries.length + kept.length);
  expect(sizes).toEqual([...sizes].sort((one, two) => one - two));
});

test('a first member that is cut off from the others is left for one that is not', async () => {
  const started = await startTestCluster();
  cluster = started;
  const [first, second, third] = started.members;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three members');
  const endpoints = [first, second, third].map(({ endpoint }) => endpoint);
  const follower = await holders.follow(holders.open(endpoints));
  // One whose watch goes by way of the member itself, until that can't tell any more what is true.
  const alone = await holders.follow(holders.open([first.endpoint]));
  first.setLink('down');
  await holders.until('new leader', async () => {
    for (const member of [second, third]) if (await member.isLeader().catch(() => false)) return true;
    return null;
  });
  await second.client.put(keyOf('10.99.1.0-24')).value(leaseValue(other));
  await holders.until('news', () => (follower.names().includes('10.99.1.0-24') ? true : null));
  await holders.until(
    'break',
    () => holders.logged.find((line) => line.startsWith('the watch of leases broke')) ?? null,
  );
  // A lease can be had meanwhile, and is seen by all.
  const held = await holders.hold(holders.open(endpoints), wishOf(own));
  expect(await third.client.get(keyOf(formatSubnetKey(held.first.subnet))).string()).toBe(leaseValue(own));
  expect(alone.names()).toEqual([]);
  first.setLink('up');
  await holders.until('return', () => (alone.names().length === 2 ? true : null));
});

test('an etcd that takes 2.5 s for each answer loses no event and no lease', async () => {
  const { etcd: started, proxy } = await startProxied();
  const store = holders.open([proxy.endpoint]);
  const held = await holders.hold(store, wishOf(own, { leaseSeconds: 30, marginMilliseconds: 27_000 }));
  const name = formatSubnetKey(held.first.subnet);
  const follower = await holders.follow(holders.open([proxy.endpoint]));
  proxy.delay(2500);
  // A host that starts now comes to its subnet as well.
  const starting = holders.hold(holders.open([proxy.endpoint]), wishOf(other));
  // Due 3 s after the lease was acquired.
  const renewed = await holders.until('renewal', () => held.changes[0] ?? null, 30);
  expect(renewed.leaseId).not.toBe(held.first.leaseId);
  const late = await starting;
  const lateName = formatSubnetKey(late.first.subnet);
  expect(await started.client.get(keyOf(lateName)).string()).toBe(leaseValue(other));
  await started.client.put(keyOf('10.99.1.0-24')).value(leaseValue('192.168.50.13'));
  await holders.until('news', () => (follower.names().length === 3 ? true : null));
  expect(follower.names()).toEqual([name, lateName, '10.99.1.0-24'].sort());
  expect(follower.snapshots.every(({ entries }) => entries.some((entry) => entry.name === name))).toBe(true);
  expect(held.owner()).toBe(null);
});

test('an etcd that is restored from a backup keeps the peers that it forgot for the grace, and gets our lease again', async () => {
  const started = await startTestEtcd();
  etcd = started;
  await started.client.put(keyOf('10.99.1.0-24')).value(leaseValue(other));
  started.backup();
  const held = await holders.hold(holders.open([started.endpoint]), wishOf(own));
  const name = formatSubnetKey(held.first.subnet);
  await started.client.put(keyOf('10.99.2.0-24')).value(leaseValue('192.168.50.13'));
  const follower = await holders.follow(holders.open([started.endpoint]), 4000);
  await holders.until('all', () => (follower.names().length === 3 ? true : null));
  const seen = follower.snapshots.length;
  await started.stop();
  started.restore();
  await started.start();
  await holders.until('own lease', () => started.client.get(keyOf(name)).string());
  await holders.until('the end of the grace', () =>
    follower.snapshots.at(-1)?.kept.length === 0 && follower.names().length === 2 ? true : null,
  );
  expect(follower.names()).toEqual([name, '10.99.1.0-24'].sort());
  const during = follower.snapshots.slice(seen, -1);
  expect(during.length).toBeGreaterThan(0);
  for (const { entries, kept } of during)
    expect([...entries, ...kept].map((entry) => entry.name).sort()).toEqual(
      [name, '10.99.1.0-24', '10.99.2.0-24'].sort(),
    );
  expect(held.owner()).toBe(null);
});

test('of two hosts one owns a subnet: who was cut off for longer than its lease lives yields', async () => {
  const { etcd: started, proxy } = await startProxied();
  const subnet = '10.77.5.0/24';
  const key = keyOf('10.77.5.0-24');
  const owners: (string | null)[] = [];
  const watcher = await started.client.watch().key(key).create();
  watcher.on('put', ({ value }) => owners.push(value.toString()));
  watcher.on('delete', () => owners.push(null));
  const cut = await holders.hold(
    holders.open([proxy.endpoint]),
    wishOf(own, { subnet, leaseSeconds: 3, marginMilliseconds: 1500 }),
  );
  await holders.until('renewal', () => cut.changes[0] ?? null);
  proxy.cut();
  await holders.until('end of the lease', () => (owners.at(-1) === null ? true : null));
  const next = await holders.hold(holders.open([started.endpoint]), wishOf(other, { subnet }));
  expect(formatSubnetKey(next.first.subnet)).toBe('10.77.5.0-24');
  proxy.heal();
  expect(await holders.until('yielding', () => cut.owner())).toBe(other);
  await sleep(500);
  expect(next.owner()).toBe(null);
  // First its own, then nobody's, then the other's: never its own again.
  const order = owners.filter((value, index) => value !== owners[index - 1]);
  expect(order).toEqual([leaseValue(own), null, leaseValue(other)]);
  await watcher.cancel();
});

test('a cut that ends before anybody else came gives the host its own subnet again', async () => {
  const { etcd: started, proxy } = await startProxied();
  const held = await holders.hold(
    holders.open([proxy.endpoint]),
    wishOf(own, { leaseSeconds: 2, marginMilliseconds: 1000 }),
  );
  const key = keyOf(formatSubnetKey(held.first.subnet));
  proxy.cut();
  await holders.until('end of the lease', async () =>
    (await started.client.get(key).string()) === null ? true : null,
  );
  proxy.heal();
  expect(await holders.until('return', () => started.client.get(key).string())).toBe(leaseValue(own));
  expect(held.owner()).toBe(null);
});

const thousand = Array.from(
  { length: 1000 },
  (_, index) => `10.${100 + Math.floor(index / 250)}.${index % 250}.0-24`,
);

test('a thousand leases in transactions of a hundred arrive in as many batches, and one by one none is lost', async () => {
  const started = await startTestEtcd();
  etcd = started;
  const store = holders.open([started.endpoint]);
  const follower = await holders.follow(store);
  const put = (name: string, publicIp: string) => started.client.put(keyOf(name)).value(leaseValue(publicIp));
  for (let at = 0; at < thousand.length; at += 100)
    await started.client
      .if('nothing', 'Version', '==', 0)
      .then(...thousand.slice(at, at + 100).map((name) => put(name, own)))
      .commit();
  await holders.until('all', () => (follower.names().length === 1000 ? true : null));
  expect(follower.snapshots.length).toBeLessThanOrEqual(11);
  for (const { entries } of follower.snapshots) expect(entries.length % 100).toBe(0);
  await Promise.all(thousand.map((name) => put(name, other)));
  await holders.until('all changes', () =>
    follower.snapshots.at(-1)?.entries.every(({ value }) => value === leaseValue(other)) === true
      ? true
      : null,
  );
  expect(follower.names()).toEqual([...thousand].sort());
});

test('what one transaction puts and deletes is news at once', async () => {
  const started = await startTestEtcd();
  etcd = started;
  await started.client.put(keyOf('10.99.1.0-24')).value(leaseValue(other));
  const follower = await holders.follow(holders.open([started.endpoint]));
  await started.client
    .if('nothing', 'Version', '==', 0)
    .then(
      started.client.delete().key(keyOf('10.99.1.0-24')),
      started.client.put(keyOf('10.99.2.0-24')).value(leaseValue(other)),
      started.client.put(keyOf('10.99.3.0-24')).value(leaseValue(own)),
    )
    .commit();
  await holders.until('both', () => (follower.names().length === 2 ? true : null));
  expect(follower.snapshots.map(({ entries }) => entries.map(({ name }) => name).sort())).toEqual([
    ['10.99.1.0-24'],
    ['10.99.2.0-24', '10.99.3.0-24'],
  ]);
});
