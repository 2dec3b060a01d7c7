import { expect, test } from 'vitest';
import { labForEachTest } from './test-lab/each-test.ts';
import { cidr, type Host, ipv4, leaseOf, network } from './test-lab/lab.ts';

const lab = labForEachTest(2);

function two(): readonly [Host, Host] {
  const [one, other] = lab().hosts;
  if (one === undefined || other === undefined) throw new Error('two hosts expected');
  return [one, other];
}

async function up() {
  const [one, other] = two();
  const drivers = [one.driver(), other.driver()] as const;
  const [first] = await Promise.all(drivers.map((driver) => driver.create({ type: 'host-gw' })));
  const leases = [one, other].map((host) => leaseOf(host, { BackendType: 'host-gw' }));
  const [own, peer] = leases;
  if (own === undefined || peer === undefined || first === undefined) throw new Error('two hosts expected');
  await Promise.all(drivers.map((driver) => driver.start()));
  return { one, other, drivers, peer, own, mtu: first.mtu };
}

const reaches = (from: Host, to: Host) => from.pod.ok(`ping -c 1 -W 0.3 -q ${to.podAddress}`);

test('routes over the underlay at its own MTU; a rival route is replaced; what breaks is repaired', async () => {
  const { one, other, drivers, peer, own, mtu } = await up();
  one.sh('ip route add 10.5.2.0/24 via 192.168.50.99');
  await drivers[1].program([own]);
  expect(await drivers[0].program([peer])).toEqual({
    peers: [
      {
        subnet: '10.5.2.0/24',
        publicIp: '192.168.50.12',
        backendType: 'host-gw',
        state: 'programmed',
        reason: null,
      },
    ],
    repairs: 0,
  });
  expect(mtu).toBe(1500);
  one.pod.sh(`ping -c 1 -W 0.5 -M do -s ${mtu - 28} ${other.podAddress}`);
  expect(one.pod.ok(`ping -c 1 -W 0.5 -M do -s ${mtu - 27} ${other.podAddress}`)).toBe(false);
  const damages = [
    'ip route delete 10.5.2.0/24',
    'ip route replace 10.5.2.0/24 via 192.168.50.99',
    'ip route replace unreachable 10.5.2.0/24',
    'ip route delete 10.5.2.0/24; ip route add 10.5.2.0/24 via 192.168.50.99; ip route append 10.5.2.0/24 via 192.168.50.12',
    'ip link set eth0 down; ip link set eth0 up',
    'sysctl -qw net.ipv4.ip_forward=0',
    'sysctl -qw net.ipv4.conf.eth0.forwarding=0',
  ];
  for (const damage of damages) {
    one.sh(damage);
    expect([damage, reaches(one, other)]).toEqual([damage, false]);
    expect([damage, (await drivers[0].program([peer])).repairs]).toEqual([damage, 1]);
    expect([damage, reaches(one, other)]).toEqual([damage, true]);
  }
  expect((await drivers[0].program([peer])).repairs).toBe(0);
  one.sh('ip route add 10.5.200.0/24 via 192.168.50.98');
  expect((await drivers[0].program([])).repairs).toBe(0);
  expect(one.sh('ip route show proto 85')).toBe('');
  // The user's own route within the network is none of ours.
  expect(one.sh('ip route')).toContain('10.5.200.0/24 via 192.168.50.98');
});

test('an earlier life’s route goes, a peer off the link fails, others are untouched', async () => {
  const { one, drivers, peer } = await up();
  await drivers[0].program([peer, { ...peer, subnet: cidr('10.5.7.0/24'), publicIp: ipv4('192.168.50.17') }]);
  expect(one.sh('ip route')).toContain('10.5.7.0/24');
  await drivers[0].kill();
  // As flanneld leaves them: one of a peer that is gone, one of a peer that is still there.
  one.sh('ip route add 10.5.6.0/24 via 192.168.50.16; ip route add 10.6.0.0/24 via 192.168.50.16');
  one.sh('ip route delete 10.5.2.0/24; ip route add 10.5.2.0/24 via 192.168.50.12');
  one.sh('ip link add br10 type bridge; ip addr add 10.5.10.1/24 dev br10; ip link set br10 up');
  const next = one.driver();
  await next.create({ type: 'host-gw' });
  await next.start();
  const { peers } = await next.program([
    { ...peer, subnet: cidr('10.5.8.0/24'), publicIp: ipv4('192.168.60.1') },
    peer,
    { ...peer, subnet: cidr('10.5.9.0/24'), publicIp: ipv4('192.168.50.19'), backendType: 'vxlan' },
    { ...peer, subnet: cidr('10.5.10.0/24'), publicIp: ipv4('192.168.50.20') },
  ]);
  expect(peers.map(({ state, reason }) => [state, reason])).toEqual([
    ['failed', '192.168.60.1 is not on the link of eth0; host-gw needs that, vxlan does not'],
    ['programmed', null],
    ['ignored', 'its backend is vxlan, ours is host-gw'],
    ['failed', '10.5.10.0/24 is also the range of br10 on this host'],
  ]);
  expect(one.sh('ip route show 10.5.10.0/24')).toContain('dev br10');
  expect(one.sh('ip route show proto 85')).toMatch(/^10\.5\.2\.0\/24 via 192\.168\.50\.12 dev eth0 *\n$/);
  expect(one.sh('ip route show 10.5.6.0/24')).toBe('');
  expect(one.sh('ip route show 10.6.0.0/24')).toContain('192.168.50.16');
  // What was flanneld's goes with its peer, and what is written by hand later stays.
  one.sh('ip route add 10.5.6.0/24 via 192.168.50.16');
  await next.program([]);
  expect(one.sh('ip route show 10.5.2.0/24')).toBe('');
  expect(one.sh('ip route show 10.5.6.0/24')).toContain('192.168.50.16');
});

test('a public address that is not the interface’s own is refused', async () => {
  const [one] = two();
  const create = one.driver().create({ type: 'host-gw' }, { iface: ['eth0'], publicIp: '1.2.3.4' });
  await expect(create).rejects.toThrow('the public address 1.2.3.4 must be that of eth0, 192.168.50.11');
});

test('alloc touches nothing', async () => {
  const [one, other] = two();
  const state = () =>
    one.sh('ip addr; ip route; cat /proc/sys/net/ipv4/ip_forward').replace(/\d+sec| *tentative *| +$/gm, '');
  one.sh('sleep 0.1');
  const before = state();
  const driver = one.driver();
  expect(await driver.create({ type: 'alloc' })).toEqual({ attributes: {}, mtu: 1500 });
  expect(await driver.start()).toBe(null);
  const { peers } = await driver.program([leaseOf(other, {})]);
  expect(peers[0]?.state).toBe('programmed');
  expect(state()).toBe(before);
});

test('the interface is chosen in flannel’s order', async () => {
  const [one] = two();
  one.sh(
    'ip link add x0 type veth peer name y0; ip addr add 10.9.0.1/24 dev x0; ip addr add 10.9.0.2/24 dev x0',
  );
  one.sh('ip link set x0 up; ip link set y0 up');
  const driver = one.driver();
  const choose = async (wish: object) => {
    const found = await driver.ask({ do: 'interface', wish });
    return JSON.stringify(found);
  };
  const eth0 = { name: 'eth0', mtu: 1500, address: ipv4('192.168.50.11') };
  const chosen = async (wish: object) => JSON.parse(await choose(wish)) as unknown;
  expect(await chosen({})).toMatchObject({ ...eth0, publicIp: eth0.address });
  expect(await chosen({ publicIp: '10.9.0.2' })).toMatchObject({ name: 'x0', address: ipv4('10.9.0.2') });
  expect(await chosen({ publicIp: '1.2.3.4' })).toMatchObject({ ...eth0, publicIp: ipv4('1.2.3.4') });
  expect(await chosen({ iface: ['nope', 'x0'] })).toMatchObject({ name: 'x0', address: ipv4('10.9.0.1') });
  expect(await chosen({ iface: ['10.9.0.2'] })).toMatchObject({ name: 'x0', address: ipv4('10.9.0.2') });
  expect(await chosen({ ifaceRegex: ['^10\\.9\\..*2$'] })).toMatchObject({ address: ipv4('10.9.0.2') });
  expect(await chosen({ ifaceRegex: ['^x'] })).toMatchObject({ name: 'x0', address: ipv4('10.9.0.1') });
  expect(await chosen({ iface: ['nope'], ifaceCanReach: '10.9.0.77' })).toMatchObject({ name: 'x0' });
  await expect(choose({ iface: ['nope'] })).rejects.toThrow(/no interface fits nope; there are lo, .*eth0/);
  await expect(choose({ iface: ['y0'] })).rejects.toThrow('interface y0 has no IPv4 address');
  await expect(choose({ publicIp: '1.2.3' })).rejects.toThrow('public-ip 1.2.3 is not an IPv4 address');
  await expect(choose({ ifaceRegex: ['('] })).rejects.toThrow('is not a regular expression');
  one.sh('ip route delete default');
  await expect(choose({})).rejects.toThrow('no default route, so name the interface to use');
});

/** The rules of our kind and all others, without counters and comments of `iptables-save`. */
const rules = (host: Host) => host.sh('iptables-save | grep -E "^(-A|:FLANNEL)" || true').trim();

test('rules are made, repaired as a whole and removed, and others’ stay', async () => {
  const [one] = two();
  const driver = one.driver();
  const wish = { network, subnet: cidr('10.5.1.0/24'), masquerade: true, forward: true };
  const ensure = (change = {}) => driver.ask({ do: 'rules', wish: { ...wish, ...change } });
  one.sh('iptables -A FORWARD -s 1.2.3.4 -j DROP; iptables -t nat -A POSTROUTING -s 1.2.3.4 -j ACCEPT');
  const foreign = rules(one);
  expect(await ensure()).toBe(10);
  const made = rules(one);
  expect(made).toContain(
    '-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
  );
  expect(await ensure()).toBe(0);
  const damages = [
    ['iptables -t nat -D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG', 1],
    ['iptables -t nat -F FLANNEL-POSTRTG', 6],
    ['iptables -t nat -D FLANNEL-POSTRTG 2', 1],
    ['iptables -t nat -I FLANNEL-POSTRTG -j RETURN', 1],
    [
      'iptables -t nat -D FLANNEL-POSTRTG 1; iptables -t nat -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN',
      1,
    ],
    [
      'iptables -F FORWARD; iptables -X FLANNEL-FWD 2>/dev/null || iptables -F FLANNEL-FWD; iptables -A FORWARD -s 1.2.3.4 -j DROP',
      3,
    ],
  ] as const;
  for (const [damage, repairs] of damages) {
    one.sh(damage);
    expect([damage, await ensure()]).toEqual([damage, repairs]);
    expect(rules(one).split('\n').sort()).toEqual(made.split('\n').sort());
  }
  expect(await ensure({ masquerade: false })).toBe(7);
  expect(rules(one)).not.toContain('POSTRTG');
  await ensure({ subnet: cidr('10.5.2.0/24') });
  expect(rules(one)).toContain('-A FLANNEL-POSTRTG -s 10.5.2.0/24 -d 10.5.0.0/16');
  await driver.ask({ do: 'cleanup' });
  expect(rules(one).split('\n').sort()).toEqual(foreign.split('\n').sort());
});

test('removeLeftovers leaves a namespace as it was', async () => {
  const { one, other, drivers, peer } = await up();
  const state = () => one.sh('ip -br addr | grep -v ^lo; ip route') + rules(one);
  one.sh('ip route add 10.6.200.0/24 via 192.168.50.98');
  const before = state();
  const driver = drivers[0];
  await driver.program([peer]);
  await driver.ask({
    do: 'rules',
    wish: { network, subnet: cidr('10.5.1.0/24'), masquerade: true, forward: true },
  });
  const vxlan = {
    type: 'vxlan',
    vni: 7,
    port: 0,
    gbp: true,
    learning: true,
    directRouting: false,
    mtu: null,
  } as const;
  await driver.create(vxlan);
  await driver.start();
  const data = { BackendType: 'vxlan', BackendData: { VtepMAC: '02:00:00:00:00:02' } };
  await driver.program([leaseOf(other, data)]);
  expect(one.sh('ip -d link show flannel.7')).toMatch(/udpcsum.* gbp/);
  expect((await driver.program([leaseOf(other, data)])).repairs).toBe(0);
  expect(state()).not.toBe(before);
  expect(await driver.ask({ do: 'cleanup' })).toEqual([
    'route 10.5.2.0/24',
    'device flannel.7',
    'chain FLANNEL-POSTRTG',
    'chain FLANNEL-FWD',
  ]);
  expect(state()).toBe(before);
  expect(await driver.ask({ do: 'cleanup' })).toEqual([]);
});
