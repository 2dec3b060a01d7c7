import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { type OverlayHost, pings, subnetFile, type TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor } from '../overlays.ts';

/*
 * The vxlan backend of whole agents: the device and the entries of peers. Which attributes of an existing device matter
 * is shown beside the backend.
 */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
let three: OverlayHost;
beforeAll(async () => {
  made = await overlays.make(3, { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
  [one, two, three] = [hostOf(made, 1), hostOf(made, 2), hostOf(made, 3)];
  made.under('/options').put(
    'config',
    JSON.stringify({
      Network: '10.5.0.0/16',
      Backend: { Type: 'VXLAN', VNI: 7, Port: 4790, GBP: true, Learning: true, MTU: 1400 },
    }),
  );
  for (const host of [one, two]) host.start();
  three.start(['-etcd-prefix=/options', '-public-ip=203.0.113.5']);
  for (const host of [one, two]) await made.ready(host, 1);
  await made.ready(three, 0);
});

const macOf = (host: OverlayHost, device = 'flannel.1') =>
  /ether (\S+)/.exec(host.sh(`ip link show ${device}`))?.[1] ?? '';
const indexOf = (host: OverlayHost) => host.sh('ip -o link show flannel.1').split(':')[0];
const leaseOf = (number: number, data: string) =>
  `{"PublicIP":"192.168.50.${number}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{${data}}}`;
const entriesOf = (host: OverlayHost) => ({
  neighbours: host.sh('ip neigh show dev flannel.1 | sort').trim(),
  forwarding: host.sh('bridge fdb show dev flannel.1 | sort').trim(),
  routes: host.sh('ip route show dev flannel.1 | sort').trim(),
});

test('flannel.1 by default: VNI 1, local ifaceIP, the interface below, port 8472, no learning, no misses; MTU ext−50; <sn>.0/32; a random locally administered MAC; no router advertisements', () => {
  const link = one.sh('ip -d link show flannel.1');
  expect(link).toMatch(
    / vxlan id 1 local 192\.168\.50\.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum /,
  );
  expect(link).not.toMatch(/l[23]miss|gbp/);
  expect(link).toMatch(/mtu 1450/);
  expect(one.sh('ip -4 -o addr show flannel.1')).toMatch(/inet 10\.5\.1\.0\/32/);
  expect(one.sh('cat /proc/sys/net/ipv6/conf/flannel.1/accept_ra')).toBe('0\n');
  for (const host of [one, two]) expect(Number.parseInt(macOf(host).slice(0, 2), 16) & 3).toBe(2);
  expect(macOf(one)).not.toBe(macOf(two));
});

test('VNI, Port, GBP, Learning and MTU, which is the underlay’s, are taken; a -public-ip goes into the lease, while local stays ifaceIP (flanneld from v0.27.4 takes the public one, which breaks behind a NAT)', () => {
  const link = three.sh('ip -d link show flannel.7');
  expect(link).toMatch(
    / vxlan id 7 local 192\.168\.50\.13 dev eth0 srcport 0 0 dstport 4790 ttl auto ageing 300 udpcsum .* gbp /,
  );
  expect(link).toMatch(/mtu 1350/);
  expect(made.under('/options').read('subnets/10.5.3.0-24')).toBe(
    `{"PublicIP":"203.0.113.5","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"${macOf(three, 'flannel.7')}"}}`,
  );
  expect(subnetFile(three)).toContain('FLANNEL_MTU=1350\n');
});

test('a peer gets a permanent neighbour, a forwarding entry and an onlink route, in this order, and loses all three with its key', async () => {
  const mac = macOf(two);
  const before = entriesOf(one);
  expect(before).toEqual({
    neighbours: `10.5.2.0 lladdr ${mac} PERMANENT`,
    forwarding: `${mac} dst 192.168.50.12 self permanent`,
    routes: expect.stringMatching(/^10\.5\.2\.0\/24 via 10\.5\.2\.0 proto 85 onlink$/),
  });
  expect(pings(one, two, 1422)).toBe(true);

  const log = `${one.files}/monitor`;
  one.sh(`ip monitor neigh route > ${log} 2>&1 & echo $! > ${log}.pid`);
  const heard = () =>
    one
      .sh(`cat ${log}`)
      .split('\n')
      .filter((line) => /10\.5\.9\.0|02:00:00:00:00:99/.test(line))
      // A neighbour that is deleted fails first.
      .filter((line) => line.startsWith('Deleted') || !line.includes('FAILED'))
      .map((line) => {
        const what = line.includes('onlink')
          ? 'route'
          : line.includes('192.168.50.99')
            ? 'forwarding'
            : 'neighbour';
        return `${line.startsWith('Deleted') ? '-' : '+'}${what}`;
      });
  try {
    await made.until('monitor', () => {
      one.sh('ip route replace 192.0.2.0/24 via 192.168.50.1');
      return one.sh(`cat ${log}`).includes('192.0.2.0/24') ? true : null;
    });
    made.put('subnets/10.5.9.0-24', leaseOf(99, '"VNI":1,"VtepMAC":"02:00:00:00:00:99"'));
    await made.ready(one, 2);
    await made.until('three entries', () => (heard().length >= 3 ? true : null));
    made.remove('subnets/10.5.9.0-24');
    await made.ready(one, 1);
    await made.until('three removals', () => (heard().length >= 6 ? true : null));
  } finally {
    one.sh(`kill $(cat ${log}.pid); ip route del 192.0.2.0/24`);
  }
  expect(heard().slice(0, 3)).toEqual(['+neighbour', '+forwarding', '+route']);
  expect(heard().slice(3).sort()).toEqual(['-forwarding', '-neighbour', '-route']);
  expect(entriesOf(one)).toEqual(before);
});

test('another BackendType is ignored; the VNI of a peer is never compared, nor need it be of 16 bits', async () => {
  made.put('subnets/10.5.8.0-24', '{"PublicIP":"192.168.50.98","PublicIPv6":null,"BackendType":"host-gw"}');
  made.put('subnets/10.5.9.0-24', leaseOf(99, '"VNI":70000,"VtepMAC":"02:00:00:00:00:99"'));
  const status = await made.ready(one, 2);
  expect(status.peers.map(({ subnet, state }) => `${subnet} ${state}`).sort()).toEqual([
    '10.5.2.0/24 programmed',
    '10.5.8.0/24 ignored',
    '10.5.9.0/24 programmed',
  ]);
  expect(one.sh('ip route show 10.5.8.0/24')).toBe('');
});

test('a device that is deleted comes again with its MAC and all peers (flanneld from v0.27.4 leaves the peers out)', async () => {
  const before = { mac: macOf(one), index: indexOf(one), entries: entriesOf(one) };
  one.sh('ip link delete flannel.1');
  await made.until('device and entries', () => {
    if (!one.ok('ip link show flannel.1')) return null;
    return isDeepStrictEqual(entriesOf(one), before.entries) ? true : null;
  });
  expect(macOf(one)).toBe(before.mac);
  expect(indexOf(one)).not.toBe(before.index);
  await made.until('ping', () => (pings(one, two) ? true : null));
});

test('what carries packets survives the end of the agent; the next one uses the device and its MAC, and removes what is stale (flanneld leaves it)', async () => {
  const before = { mac: macOf(one), index: indexOf(one), entries: entriesOf(one) };
  const rules = one.sh('iptables-save | grep -c FLANNEL');
  expect(await one.end('SIGTERM')).toBe(0);
  expect({ mac: macOf(one), index: indexOf(one), entries: entriesOf(one) }).toEqual(before);
  expect(one.sh('iptables-save | grep -c FLANNEL')).toBe(rules);
  expect(pings(one, two)).toBe(true);
  made.remove('subnets/10.5.9.0-24');
  one.sh(
    'ip route add 10.5.66.0/24 via 10.5.66.0 dev flannel.1 onlink; ip neigh add 10.5.66.0 lladdr 02:00:00:00:00:66 dev flannel.1; bridge fdb add 02:00:00:00:00:66 dev flannel.1 dst 192.168.50.66',
  );
  one.start();
  await made.ready(one, 1);
  const mac = macOf(two);
  expect(entriesOf(one)).toMatchObject({
    neighbours: `10.5.2.0 lladdr ${mac} PERMANENT`,
    forwarding: `${mac} dst 192.168.50.12 self permanent`,
  });
  expect(entriesOf(one).routes.split('\n')).toHaveLength(1);
  expect([macOf(one), indexOf(one)]).toEqual([before.mac, before.index]);
  expect(made.read('subnets/10.5.1.0-24')).toContain(before.mac);
});

test('DirectRouting: a path without a gateway has `<sn> via PublicIP` alone, one through a gateway has the tunnel', async () => {
  await two.end('SIGTERM');
  const keys = made.under('/direct');
  keys.put('config', '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","DirectRouting":true}}');
  keys.put('subnets/10.5.1.0-24', made.read('subnets/10.5.1.0-24') ?? '');
  keys.put(
    'subnets/10.5.9.0-24',
    '{"PublicIP":"203.0.113.9","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:99"}}',
  );
  two.start(['-etcd-prefix=/direct']);
  await made.ready(two, 2);
  expect(two.sh('ip route show 10.5.1.0/24')).toMatch(
    /^10\.5\.1\.0\/24 via 192\.168\.50\.11 dev eth0 proto 85 *\n$/,
  );
  expect(entriesOf(two)).toEqual({
    neighbours: '10.5.9.0 lladdr 02:00:00:00:00:99 PERMANENT',
    forwarding: '02:00:00:00:00:99 dst 203.0.113.9 self permanent',
    routes: expect.stringMatching(/^10\.5\.9\.0\/24 via 10\.5\.9\.0 proto 85 onlink$/),
  });
});
