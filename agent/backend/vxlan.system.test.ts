import { expect, test } from 'vitest';
import type { BackendConfig } from '../lease/config.ts';
import { labForEachTest } from './test-lab/each-test.ts';
import {
  cidr,
  plainVxlan as config,
  type Driver,
  type Host,
  ipv4,
  leaseOf,
  type Namespace,
  network,
} from './test-lab/lab.ts';

const lab = labForEachTest(2);

function two(): readonly [Host, Host] {
  const [one, other] = lab().hosts;
  if (one === undefined || other === undefined) throw new Error('two hosts expected');
  return [one, other];
}

/** Brings the backend up on both hosts and programs each with the other's lease. */
async function up(wanted: BackendConfig = config) {
  const [one, other] = two();
  const drivers = [one.driver(), other.driver()] as const;
  const [first, second] = await Promise.all(drivers.map((driver) => driver.create(wanted)));
  if (first === undefined || second === undefined) throw new Error('two drivers expected');
  const leases = [leaseOf(one, first.attributes), leaseOf(other, second.attributes)] as const;
  await Promise.all(drivers.map((driver) => driver.start()));
  const programmed = await Promise.all([drivers[0].program([leases[1]]), drivers[1].program([leases[0]])]);
  return { one, other, drivers, leases, mtu: first.mtu, programmed };
}

const mac = (host: Host) => /link\/ether (\S+)/.exec(host.sh('ip link show flannel.1'))?.[1];
const reaches = (from: Host, to: Host) => from.pod.ok(`ping -c 1 -W 0.3 -q ${to.podAddress}`);

test('pods reach each other with their own addresses, at the MTU and not beyond', async () => {
  const { one, other, mtu, programmed } = await up();
  expect(mtu).toBe(1450);
  expect(programmed.map(({ peers }) => peers.map(({ state }) => state))).toEqual([
    ['programmed'],
    ['programmed'],
  ]);
  expect(programmed.map(({ repairs }) => repairs)).toEqual([0, 0]);
  one.pod.sh(`ping -c 1 -W 0.5 -M do -s ${mtu - 28} ${other.podAddress}`);
  expect(one.pod.ok(`ping -c 1 -W 0.5 -M do -s ${mtu - 27} ${other.podAddress}`)).toBe(false);
  expect(one.sh('ip -d link show flannel.1')).toContain(
    'vxlan id 1 local 192.168.50.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum',
  );
  expect(one.sh('ip -br addr show flannel.1')).toContain('10.5.1.0/32');
  expect(one.sh('cat /proc/sys/net/ipv6/conf/flannel.1/accept_ra').trim()).toBe('0');
});

test('with the rules a pod keeps its address within the overlay and has its host’s outside', async () => {
  const { one, other, drivers } = await up();
  const hosts = [one, other];
  for (const [index, driver] of drivers.entries()) {
    const subnet = cidr(hosts[index]?.subnet ?? '');
    await driver.ask({ do: 'rules', wish: { network, subnet, masquerade: true, forward: true } });
    hosts[index]?.sh('iptables -P FORWARD DROP');
  }
  const serve = 'import socket; s=socket.create_server(("",7000)); c,p=s.accept(); c.sendall(p[0].encode())';
  const seenBy = (place: Namespace, address: string) => {
    place.sh(`python3 -c '${serve}' >/dev/null 2>&1 & sleep 0.4`);
    const ask = `import socket; print(socket.create_connection(("${address}",7000),3).recv(99).decode())`;
    return one.pod.sh(`python3 -c '${ask}'`).trim();
  };
  expect(seenBy(other.pod, other.podAddress)).toBe('10.5.1.2');
  expect(seenBy(other, other.address)).toBe(one.address);
});

/** What somebody may do to a host and how many entries that undoes. */
const damages: readonly (readonly [string, number])[] = [
  ['ip link delete flannel.1', 4],
  ['ip route delete 10.5.2.0/24', 1],
  ['ip route replace 10.5.2.0/24 via 192.168.50.99', 1],
  ['ip route replace blackhole 10.5.2.0/24', 1],
  ['ip neighbour delete 10.5.2.0 dev flannel.1', 1],
  ['ip neighbour replace 10.5.2.0 lladdr 02:00:00:00:00:09 dev flannel.1', 1],
  ['bridge fdb delete $(bridge fdb show dev flannel.1 | cut -d" " -f1) dev flannel.1', 1],
  ['bridge fdb replace $(bridge fdb show dev flannel.1 | cut -d" " -f1) dev flannel.1 dst 192.168.50.99', 1],
  ['ip address delete 10.5.1.0/32 dev flannel.1', 1],
  ['ip address add 10.9.9.9/32 dev flannel.1', 1],
  ['ip link set flannel.1 mtu 1400', 1],
  ['ip link set flannel.1 address 02:00:00:00:00:08', 1],
  ['ip link set flannel.1 down', 3],
  ['ip link set eth0 down; ip link set eth0 up', 0],
  ['sysctl -qw net.ipv4.ip_forward=0', 1],
];

test('whatever somebody breaks is put right by the next pass', async () => {
  const { one, other, drivers, leases } = await up();
  const before = mac(one);
  for (const [damage, entries] of damages) {
    one.sh(damage);
    if (
      entries > 0 &&
      !damage.includes('10.9.9.9') &&
      !damage.includes('mtu') &&
      !damage.includes('10.5.1.0')
    )
      expect([damage, reaches(one, other)]).toEqual([damage, false]);
    const { repairs } = await drivers[0].program([leases[1]]);
    expect([damage, repairs >= entries]).toEqual([damage, true]);
    expect([damage, reaches(one, other), mac(one)]).toEqual([damage, true, before]);
    expect([damage, (await drivers[0].program([leases[1]])).repairs]).toEqual([damage, 0]);
  }
});

test('a second life keeps the device and its MAC and removes what is stale', async () => {
  const { one, other, drivers, leases } = await up();
  const before = mac(one);
  await drivers[0].program([
    leases[1],
    {
      ...leases[1],
      subnet: cidr('10.5.7.0/24'),
      publicIp: ipv4('192.168.50.17'),
      backendData: { VtepMAC: '02:00:00:00:00:17' },
    },
  ]);
  // What flanneld itself would have left, without our mark, and a route of the user's on the same device.
  one.sh(
    'ip route add 10.5.8.0/24 via 10.5.8.0 dev flannel.1 onlink; ip route add 10.5.200.0/24 dev flannel.1',
  );
  one.sh('ip neighbour replace 10.5.8.0 lladdr 02:00:00:00:00:18 dev flannel.1 nud permanent');
  expect(one.sh('ip route')).toContain('10.5.7.0/24');
  await drivers[0].kill();
  expect(reaches(one, other)).toBe(true);
  const next = one.driver();
  const { attributes } = await next.create(config);
  expect(attributes.BackendData).toEqual({ VNI: 1, VtepMAC: before });
  await next.start();
  expect((await next.program([leases[1]])).repairs).toBe(0);
  const routes = one.sh('ip route');
  expect(routes).not.toContain('10.5.7.0/24');
  expect(routes).not.toContain('10.5.8.0/24');
  expect(routes).toContain('10.5.200.0/24');
  expect(one.sh('ip neighbour show dev flannel.1 nud permanent').trim().split('\n')).toHaveLength(1);
  expect(one.sh('bridge fdb show dev flannel.1').trim().split('\n')).toHaveLength(1);
  expect(reaches(one, other)).toBe(true);
});

test('an existing device will do with its MAC, unless one of its attributes is another: then it is made anew', async () => {
  const [one] = two();
  const driver = one.driver();
  // By hand, as flanneld makes it.
  const make = (words: string, address = '02:00:00:00:00:77') =>
    one.sh(
      `ip link del flannel.1 2>/dev/null || true; ip link add flannel.1 address ${address} mtu 1450 type vxlan ${words}`,
    );
  const usual = 'id 1 dev eth0 local 192.168.50.11 dstport 8472 nolearning';
  const look = () => ({
    index: one.sh('ip -o link show flannel.1').split(':')[0],
    mac: mac(one),
    line: /vxlan .* udpcsum/.exec(one.sh('ip -d link show flannel.1'))?.[0],
    gbp: one.sh('ip -d link show flannel.1').includes(' gbp '),
  });
  make(usual);
  const kept = look();
  const { attributes } = await driver.create(config);
  expect(look()).toEqual(kept);
  expect(attributes.BackendData).toEqual({ VNI: 1, VtepMAC: '02:00:00:00:00:77' });
  const others = [
    usual.replace('id 1', 'id 2'),
    usual.replace('dev eth0', 'dev pod0'),
    usual.replace('50.11', '50.99'),
    usual.replace('8472', '4789'),
    `${usual} l2miss`,
    `${usual} gbp`,
    // flannel doesn't look at this one, and then has a device that its configuration doesn't ask for.
    usual.replace('nolearning', 'learning'),
  ];
  for (const words of others) {
    make(words);
    const before = look();
    expect([words, before.line === kept.line && !before.gbp]).toEqual([words, false]);
    await driver.create(config);
    const { index, ...after } = look();
    expect([words, index === before.index, after.mac === before.mac]).toEqual([words, false, false]);
    expect({ words, ...after, mac: kept.mac, index: kept.index }).toEqual({ words, ...kept });
  }
  // The MTU can be changed on the device as it is.
  const before = look();
  expect((await driver.create({ ...config, mtu: 1400 })).mtu).toBe(1350);
  expect(look()).toEqual(before);
  await driver.start();
  expect(one.sh('ip link show flannel.1')).toContain('mtu 1350');
});

test('a malformed peer is ignored with its reason and harms no other', async () => {
  const { one, other, drivers, leases } = await up();
  const bad = (number: number, change: object) => ({
    ...leases[1],
    subnet: cidr(`10.5.${number}.0/24`),
    publicIp: ipv4(`192.168.50.${number}`),
    ...change,
  });
  const { peers } = await drivers[0].program([
    bad(31, { backendData: null }),
    bad(32, { backendData: { VtepMAC: 'zz' } }),
    bad(33, { backendType: 'host-gw' }),
    leases[1],
    bad(34, {}),
    bad(35, { subnet: cidr('8.8.8.0/24'), backendData: { VtepMAC: '02:00:00:00:00:35' } }),
    bad(36, { subnet: cidr('10.5.1.128/25'), backendData: { VtepMAC: '02:00:00:00:00:36' } }),
  ]);
  expect(peers.map(({ state, reason }) => [state, reason])).toEqual([
    ['ignored', 'its BackendData has no VtepMAC'],
    ['ignored', "its BackendData's VtepMAC is not the MAC of a host"],
    ['ignored', 'its backend is host-gw, ours is vxlan'],
    ['programmed', null],
    ['ignored', 'its VtepMAC is that of 192.168.50.12'],
    ['ignored', 'outside the network 10.5.0.0/16'],
    ['ignored', 'overlaps our own subnet 10.5.1.0/24'],
  ]);
  expect(one.sh('ip route')).not.toMatch(/8\.8\.8|10\.5\.3|10\.5\.1\.128/);
  expect(reaches(one, other)).toBe(true);
});

test('DirectRouting takes the underlay for a peer on the same link', async () => {
  const { one, other } = await up({ ...config, directRouting: true });
  expect(one.sh('ip route show 10.5.2.0/24')).toContain('via 192.168.50.12 dev eth0 proto 85');
  expect(one.sh('bridge fdb show dev flannel.1')).toBe('');
  expect(reaches(one, other)).toBe(true);
});

test('another plugin on the same VNI is named', async () => {
  const [one] = two();
  one.sh('ip link add cni.1 type vxlan id 1 dstport 8472 dev eth0 local 192.168.50.11');
  const driver: Driver = one.driver();
  await expect(driver.create(config)).rejects.toThrow(/; cni\.1 is a vxlan device with the same VNI/);
});
