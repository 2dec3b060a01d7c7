import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import type { OverlayHost, TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor } from '../overlays.ts';

/* What of etcd's changes reaches the kernel of a host whose agent runs, in good and in bad times of etcd. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let host: OverlayHost;
beforeAll(async () => {
  made = await overlays.make(1, { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
  host = hostOf(made, 1);
  host.start();
  await made.ready(host);
});

const keyOf = (number: number) => `subnets/10.5.${number}.0-24`;
const macOf = (number: number) => `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
const leaseOf = (number: number, mac = macOf(number)) =>
  `{"PublicIP":"192.168.50.${number}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}}`;
const put = (number: number) => made.put(keyOf(number), leaseOf(number));

const neighbours = () => host.sh('ip neigh show dev flannel.1');
const forwarding = () => host.sh('bridge fdb show dev flannel.1');
const routes = (): readonly string[] =>
  host.sh('ip route show dev flannel.1').match(/^10\.5\.\d+\.0\/24/gm) ?? [];
const lines = (text: string) => text.split('\n').filter((line) => line !== '').length;
/** All three entries of so many peers. */
const peers = (count: number) =>
  made.until(`entries of ${count} peers`, () =>
    routes().length === count && lines(neighbours()) === count && lines(forwarding()) === count ? true : null,
  );

test('all leases of one transaction, and of twenty in a rush, become entries (flanneld to v0.20 takes the first of each batch)', async () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const success = [20, 21].map((number) => ({
    requestPut: {
      key: base64(`/coreos.com/network/${keyOf(number)}`),
      value: base64(leaseOf(number)),
    },
  }));
  made.gateway('/v3/kv/txn', { compare: [], success });
  await peers(2);
  for (let number = 30; number < 50; number += 1) put(number);
  await peers(22);
});

test('what is malformed, or no lease, below <prefix>/subnets is skipped, said, and costs no peer (flanneld loses events or all peers)', async () => {
  made.put('subnets/rubbish', 'rubbish');
  made.put(keyOf(60), '{"PublicIP":');
  made.put('subnets-of-another/10.5.61.0-24', leaseOf(61));
  // A dual-stack lease of another host counts with its IPv4 half.
  made.put('subnets/10.5.62.0-24&fd00:12:13::-56', leaseOf(62));
  put(63);
  await peers(24);
  expect(routes()).toContain('10.5.62.0/24');
  const status = await host.status();
  expect(
    status?.peers.filter(({ state }) => state !== 'programmed').map(({ subnet, state }) => [subnet, state]),
  ).toEqual([
    ['rubbish', 'ignored'],
    ['10.5.60.0-24', 'ignored'],
  ]);
});

test('a restart of etcd, killed or by SIGTERM, costs neither the agent (flanneld v0.20 ends) nor much of its time, and no change is missed', async () => {
  const pid = host.pid();
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const connected = (wanted: boolean) =>
    made.until(`etcd ${wanted ? 'found' : 'missed'}`, async () =>
      (await host.status())?.etcd.connected === wanted ? true : null,
    );
  const said = host.output().split('\n').length;
  made.etcd().signal('SIGTERM');
  await connected(false);
  await made.etcd().stop();
  const [began, before] = [Date.now(), ticks()];
  await new Promise((resolve) => setTimeout(resolve, 1500));
  // One that asks without a pause takes all the time there is: 100 ticks a second.
  expect(((ticks() - before) * 1000) / (Date.now() - began)).toBeLessThan(50);
  await made.etcd().start();
  await made.until('etcd', () => {
    try {
      made.remove(keyOf(20));
      return true;
    } catch {
      return null;
    }
  });
  put(64);
  await connected(true);
  await made.until('the new peer and not the old one', () =>
    routes().includes('10.5.64.0/24') && !routes().includes('10.5.20.0/24') ? true : null,
  );
  await peers(24);
  expect(host.pid()).toBe(pid);
  expect(host.output().split('\n').length - said).toBeLessThan(12);
});

test('a peer that has another MAC and another address since the last look is programmed anew, after a compaction as well (flanneld compares subnets alone)', async () => {
  made.setEtcdLink('down');
  // Nothing but a new list can tell: the watch ends with etcd, and the revisions in between are no more.
  await made.etcd().stop();
  await made.etcd().start();
  await made.until('etcd', () => {
    try {
      made.put(keyOf(21), leaseOf(121, '02:00:00:00:01:21'));
      return true;
    } catch {
      return null;
    }
  });
  const { revision } = made.entry(keyOf(21)) ?? {};
  made.gateway('/v3/kv/compaction', { revision, physical: true });
  made.setEtcdLink('up');
  await made.until('the new MAC', () =>
    neighbours().includes('10.5.21.0 lladdr 02:00:00:00:01:21') ? true : null,
  );
  await made.until('the new address', () =>
    forwarding().includes('02:00:00:00:01:21 dst 192.168.50.121') ? true : null,
  );
  await peers(24);
  expect(forwarding()).not.toContain(macOf(21));
});
