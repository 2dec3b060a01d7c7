import { statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  buildPrograms,
  makeOverlay,
  type OverlayHost,
  type Programs,
  pings,
  subnetFile,
  type TestOverlay,
} from '../support/overlay.ts';

/*
 * flannel's contract with the kernel, the disk and etcd, held against whole agents: each test names the line of the
 * contract that it is for. What one module alone can show stands beside that module.
 */

let programs: Programs;
let overlay: TestOverlay | null = null;

beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());
afterEach(async () => {
  await overlay?.close();
  overlay = null;
});

async function hostsWith(
  backend: object | undefined,
  args: readonly string[] = [],
): Promise<{ made: TestOverlay; one: OverlayHost; two: OverlayHost }> {
  const made = await makeOverlay(programs, 2, { Network: '10.5.0.0/16', Backend: backend });
  overlay = made;
  const [one, two] = made.hosts;
  if (one === undefined || two === undefined) throw new Error('an overlay of two has two hosts');
  one.start(args);
  two.start(args);
  await made.ready(one);
  await made.ready(two);
  return { made, one, two };
}

const ownKey = (host: OverlayHost) => `subnets/10.5.${host.number}.0-24`;
const macOf = (host: OverlayHost) => /ether (\S+)/.exec(host.sh('ip link show flannel.1'))?.[1] ?? '';

/** What a namespace sees of some packets while something happens: tcpdump's lines, with the bytes from the IP header on. */
function captured(
  where: { sh(script: string): string },
  filter: string,
  count: number,
  script: string,
): string {
  return where.sh(
    `tcpdump -i eth0 -n -v -x -c ${count} --immediate-mode '${filter}' 2>/dev/null & dump=$!
     sleep 1; ${script}; (sleep 3; kill $dump 2>/dev/null) & wait $dump || true`,
  );
}

test('udp: flannel0 is a TUN without packet information, not persistent, at <sn>.0/32, MTU ext−28, with a route to the network', async () => {
  const { one } = await hostsWith({ Type: 'udp' });
  const link = one.sh('ip -d link show flannel0');
  expect(link).toMatch(/tun type tun pi off/);
  expect(link).toMatch(/persist off/);
  expect(link).toMatch(/mtu 1472/);
  expect(one.sh('ip -4 -o addr show flannel0')).toMatch(/inet 10\.5\.1\.0\/32/);
  expect(one.sh('ip route show 10.5.0.0/16')).toMatch(/^10\.5\.0\.0\/16 dev flannel0 /);
});

test('udp: the socket is bound to ifaceIP:8285, also the source port; the payload is the raw IPv4 packet with TTL 63 on the wire', async () => {
  const { one, two } = await hostsWith({ Type: 'udp' });
  expect(one.sh('ss -Hlun')).toMatch(/192\.168\.50\.11:8285/);
  // From the host itself, so that no other router takes its own one of the TTL.
  const lines = captured(
    two,
    'udp and src host 192.168.50.11',
    1,
    `nsenter --net=/run/netns/${one.name} ping -c 1 -W 1 -I 10.5.1.0 ${two.podAddress} >/dev/null`,
  );
  expect(lines).toMatch(/192\.168\.50\.11\.8285 > 192\.168\.50\.12\.8285: UDP, length 84/);
  const bytes = [...lines.matchAll(/0x[0-9a-f]{4}:\s+([0-9a-f ]+)/g)]
    .map(([, part = '']) => part.replaceAll(' ', ''))
    .join('');
  const inner = bytes.slice(2 * 28);
  expect(inner.slice(0, 2)).toBe('45');
  expect(inner.slice(16, 18)).toBe('3f');
  expect(inner.slice(24, 40)).toBe('0a0501000a050202');
});

test('udp: no route is answered with ICMP 3/0 from the address of flannel0, TTL 8, quoting the header and 8 bytes; not for ICMP nor later fragments', async () => {
  const { one } = await hostsWith({ Type: 'udp' });
  const send = (size: number) =>
    `python3 -c 'import socket; s=socket.socket(2,2); s.sendto(b"x"*${size},("10.5.77.7",9))'`;
  const lines = captured(one.pod, 'icmp', 1, send(100));
  // The host of the pod routes it on and takes its one of the eight.
  expect(lines).toMatch(/ttl [78],/);
  expect(lines).toMatch(/10\.5\.1\.0 > 10\.5\.1\.2: ICMP net 10\.5\.77\.7 unreachable, length 36/);
  // One answer for the first fragment alone; a ping of the same stranger gets none.
  const many = captured(
    one.pod,
    'icmp and src host 10.5.1.0',
    5,
    `${send(4000)}; ping -c 1 -W 1 10.5.77.7 >/dev/null || true`,
  );
  expect(many.match(/unreachable/g)).toHaveLength(1);
});

test('udp: Backend.Port is the port of both ends', async () => {
  const { one, two } = await hostsWith({ Type: 'udp', Port: 9999 });
  expect(one.sh('ss -Hlun')).toMatch(/192\.168\.50\.11:9999/);
  expect(pings(one, two)).toBe(true);
});

test('udp: every lease is accepted, whatever its BackendType', async () => {
  const { made, one } = await hostsWith({ Type: 'udp' });
  made.put('subnets/10.5.9.0-24', '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}');
  await made.ready(one, 2);
});

test('vxlan: VNI, Port, GBP, Learning and MTU make flannel.<VNI>; local is the address of the interface; the MAC is locally administered', async () => {
  const { made, one, two } = await hostsWith({
    Type: 'VXLAN',
    VNI: 7,
    Port: 4790,
    GBP: true,
    Learning: true,
    MTU: 1400,
  });
  const link = one.sh('ip -d link show flannel.7');
  expect(link).toMatch(/vxlan id 7 local 192\.168\.50\.11 dev eth0 .*dstport 4790 .*ttl auto ageing 300/);
  expect(link).not.toContain('nolearning');
  expect(link).toContain(' gbp');
  expect(link).toMatch(/mtu 1350/);
  const mac = /ether (\S+)/.exec(link)?.[1] ?? '';
  expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  expect(made.read(ownKey(one))).toBe(
    `{"PublicIP":"192.168.50.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"${mac}"}}`,
  );
  expect(subnetFile(one)).toContain('FLANNEL_MTU=1350\n');
  expect(pings(one, two, 1322)).toBe(true);
});

test('vxlan: per peer a permanent neighbour, a forwarding entry and an onlink route, in this order, and all three removed', async () => {
  const { made, one, two } = await hostsWith({ Type: 'vxlan' });
  const mac = macOf(two);
  expect(one.sh('ip neigh show dev flannel.1').trim()).toBe(`10.5.2.0 lladdr ${mac} PERMANENT`);
  expect(one.sh('bridge fdb show dev flannel.1').trim()).toBe(`${mac} dst 192.168.50.12 self permanent`);
  expect(one.sh('ip route show 10.5.2.0/24')).toMatch(
    /^10\.5\.2\.0\/24 via 10\.5\.2\.0 dev flannel\.1 .*onlink/,
  );

  one.sh(
    `ip monitor neigh route > ${one.files}/monitor 2>&1 & echo $! > ${one.files}/monitor.pid; sleep 0.5`,
  );
  try {
    const peer = (number: number) =>
      `{"PublicIP":"192.168.50.${number}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:${number}"}}`;
    made.put('subnets/10.5.9.0-24', peer(99));
    await made.ready(one, 2);
    made.remove('subnets/10.5.9.0-24');
    await made.ready(one, 1);
  } finally {
    one.sh(`sleep 0.3; kill $(cat ${one.files}/monitor.pid)`);
  }
  const events = one
    .sh(`cat ${one.files}/monitor`)
    .split('\n')
    .filter((line) => /10\.5\.9\.0|02:00:00:00:00:99/.test(line))
    .map(
      (line) =>
        `${/^Deleted/i.test(line) ? 'deleted ' : ''}${/onlink/.test(line) ? 'route' : /dst 192/.test(line) ? 'forwarding' : 'neighbour'}`,
    );
  const added = events.filter((event) => !event.startsWith('deleted'));
  expect(added.indexOf('neighbour')).toBeLessThan(added.indexOf('route'));
  expect(added.indexOf('neighbour')).toBeGreaterThanOrEqual(0);
  expect(one.sh('ip neigh show dev flannel.1; bridge fdb show dev flannel.1; ip route')).not.toMatch(
    /10\.5\.9\.0|02:00:00:00:00:99/,
  );
});

test('vxlan: another BackendType is ignored; a peer of another VNI is not', async () => {
  const { made, one } = await hostsWith({ Type: 'vxlan' });
  made.put('subnets/10.5.8.0-24', '{"PublicIP":"192.168.50.98","PublicIPv6":null,"BackendType":"host-gw"}');
  made.put(
    'subnets/10.5.9.0-24',
    '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":70000,"VtepMAC":"02:00:00:00:00:99"}}',
  );
  const status = await made.ready(one, 2);
  expect(status.peers.map(({ subnet, state }) => `${subnet} ${state}`).sort()).toEqual([
    '10.5.2.0/24 programmed',
    '10.5.8.0/24 ignored',
    '10.5.9.0/24 programmed',
  ]);
});

test('vxlan: an existing device and its MAC are used again; one of another VNI is not in its way', async () => {
  const { made, one, two } = await hostsWith({ Type: 'vxlan' });
  const mac = macOf(one);
  const index = one.sh('ip -o link show flannel.1').split(':')[0];
  expect(await one.end('SIGTERM')).toBe(0);
  one.start();
  await made.ready(one);
  expect([macOf(one), one.sh('ip -o link show flannel.1').split(':')[0]]).toEqual([mac, index]);
  expect(made.read(ownKey(one))).toContain(mac);
  expect(pings(one, two)).toBe(true);
});

test('vxlan: -public-ip of a NAT goes into the lease, and local stays the address of the interface', async () => {
  const made = await makeOverlay(programs, 1, { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
  overlay = made;
  const [one] = made.hosts;
  if (one === undefined) throw new Error('an overlay of one has one host');
  one.start(['-public-ip=203.0.113.5']);
  await made.ready(one, 0);
  expect(made.read(ownKey(one))).toContain('"PublicIP":"203.0.113.5"');
  expect(one.sh('ip -d link show flannel.1')).toContain('local 192.168.50.11 dev eth0');
});

test('vxlan with DirectRouting: a path without a gateway has `<sn> via PublicIP` alone', async () => {
  const { one, two } = await hostsWith({ Type: 'vxlan', DirectRouting: true });
  expect(one.sh('ip route show 10.5.2.0/24')).toMatch(/^10\.5\.2\.0\/24 via 192\.168\.50\.12 dev eth0 /);
  expect(one.sh('bridge fdb show dev flannel.1; ip neigh show dev flannel.1').trim()).toBe('');
  expect(pings(one, two)).toBe(true);
});

test('host-gw: `<sn> via PublicIP dev ext`, the MTU of ext, a conflicting route replaced, and PublicIP has to be ifaceIP', async () => {
  const { made, one, two } = await hostsWith({ Type: 'host-gw' });
  expect(one.sh('ip route show 10.5.2.0/24')).toMatch(/^10\.5\.2\.0\/24 via 192\.168\.50\.12 dev eth0 /);
  expect(subnetFile(one)).toContain('FLANNEL_MTU=1500\n');
  expect(made.read(ownKey(one))).toBe(
    '{"PublicIP":"192.168.50.11","PublicIPv6":null,"BackendType":"host-gw"}',
  );
  one.sh('ip route replace 10.5.2.0/24 via 192.168.50.99');
  await made.until('route of the lease', () =>
    one.sh('ip route show 10.5.2.0/24').includes('via 192.168.50.12') ? true : null,
  );
  await two.end('SIGKILL');
  two.start(['-public-ip=203.0.113.5']);
  await made.until('refusal', async () =>
    (await two.status())?.waitingFor?.includes('host-gw') ? true : null,
  );
});

test('udp, also when no Backend is given, and alloc: the lease has no BackendType; alloc leaves the kernel’s routes alone', async () => {
  const { made, one } = await hostsWith({ Type: 'alloc' });
  const value = '{"PublicIP":"192.168.50.11","PublicIPv6":null}';
  expect(made.read(ownKey(one))).toBe(value);
  expect(one.sh('ip -o link')).not.toContain('flannel');
  expect(one.sh('ip -o route').match(/^10\.5\./gm)).toHaveLength(1);
  expect(subnetFile(one)).toContain('FLANNEL_MTU=1500\n');
  await made.close();
  overlay = null;
  const udp = await hostsWith(undefined);
  expect(udp.made.read(ownKey(udp.one))).toBe(value);
}, 60_000);

test('subnet.env: these bytes, mode 0644, another file at each write; docker_opts.env has the inverse of the masquerading', async () => {
  const { made, one } = await hostsWith({ Type: 'vxlan' }, ['-ip-masq=false']);
  expect(subnetFile(one)).toBe(
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n',
  );
  expect(one.sh(`cat ${one.files}/docker.env`)).toBe(
    [
      'DOCKER_OPT_BIP="--bip=10.5.1.1/24"',
      'DOCKER_OPT_IPMASQ="--ip-masq=true"',
      'DOCKER_OPT_MTU="--mtu=1450"',
      'DOCKER_OPTS=" --bip=10.5.1.1/24 --ip-masq=true --mtu=1450"',
      '',
    ].join('\n'),
  );
  const { mode, ino } = statSync(`${one.files}/subnet.env`);
  expect(mode & 0o777).toBe(0o644);
  expect(one.manager.told()).toContain('READY=1');
  await one.end('SIGTERM');
  one.start(['-ip-masq=false']);
  await made.ready(one);
  // The old inode is free for the next file, so only a change of the name shows: no reader saw a part.
  expect(one.sh(`ls -A ${one.files}`)).not.toContain('.subnet.env');
  expect(
    statSync(`${one.files}/subnet.env`).ino === ino && statSync(`${one.files}/subnet.env`).nlink !== 1,
  ).toBe(false);
});

const masquerade = (random: string) =>
  [
    '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
    '-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN',
    '-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
    '-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
    '-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
    `-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE${random}`,
    `-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE${random}`,
  ].sort();
const forward = [
  '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
  '-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  '-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
].sort();
const rulesOf = (host: OverlayHost, table: string) =>
  host.sh(`iptables-save -t ${table} | grep -e ^-A || true`).trim().split('\n').filter(Boolean).sort();

test.each([
  { args: [], nat: masquerade(' --random-fully'), filter: forward },
  { args: ['-ip-masq-fully-random-disable'], nat: masquerade(''), filter: forward },
  { args: ['-ip-masq=false'], nat: [], filter: forward },
  { args: ['-iptables-forward-rules=false'], nat: masquerade(' --random-fully'), filter: [] },
])('iptables: the rules of flannel with $args', async ({ args, nat, filter }) => {
  const { one } = await hostsWith({ Type: 'host-gw' }, args);
  expect(rulesOf(one, 'nat')).toEqual(nat);
  expect(rulesOf(one, 'filter')).toEqual(filter);
});

test('HTTP: none without -healthz-port; with it /healthz is 200 from the start and /readyz 503 until all is ready', async () => {
  const made = await makeOverlay(programs, 1, null);
  overlay = made;
  const [one] = made.hosts;
  if (one === undefined) throw new Error('an overlay of one has one host');
  const ask = (path: string) => one.sh(`curl -s -w ' %{http_code}' http://127.0.0.1:8471${path} || true`);
  one.start();
  await made.until('wait for the configuration', async () =>
    (await one.status())?.waitingFor?.includes('config') ? true : null,
  );
  expect(one.sh('ss -Hltn').trim()).toBe('');
  await one.end('SIGTERM');
  one.start(['-healthz-port=8471', '-healthz-ip=127.0.0.1']);
  await made.until('wait for the configuration', async () =>
    (await one.status())?.waitingFor?.includes('config') ? true : null,
  );
  expect(ask('/healthz')).toBe('flanneld is running 200');
  expect(ask('/readyz')).toMatch(/ 503$/);
  expect(one.manager.told().includes('READY=1')).toBe(false);
  made.put('config', '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}');
  await made.ready(one, 0);
  expect(ask('/readyz')).toMatch(/ 200$/);
  expect(one.manager.told().map((line) => line.trim())).toContain('READY=1');
});
