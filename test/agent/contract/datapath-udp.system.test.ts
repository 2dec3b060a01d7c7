import { beforeAll, expect, test } from 'vitest';
import { type OverlayHost, pings, type TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor } from '../overlays.ts';
import { capture, ipPackets } from './capture.ts';

/* The udp backend of whole agents: device, socket, and the packets on the wire. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
beforeAll(async () => {
  made = await overlays.make(3, { Network: '10.5.0.0/16', Backend: { Type: 'udp' } });
  [one, two] = [hostOf(made, 1), hostOf(made, 2)];
  for (const host of [one, two]) host.start();
  for (const host of [one, two]) await made.ready(host, 1);
});

/** Sends UDP from somewhere: a packet of so many bytes, or one of Python's bytes. */
const send = (to: string, port: number, bytes: string) =>
  `python3 -c 'import socket; socket.socket(2,2).sendto(${bytes},("${to}",${port}))'`;
const inBytes = (packet: string) => `bytes.fromhex("${packet}")`;

test('flannel0 is a TUN without packet information, not persistent, at <sn>.0/32, MTU ext−28, with a route to the network; nothing else listens', () => {
  const link = one.sh('ip -d link show flannel0');
  expect(link).toMatch(/tun type tun pi off/);
  expect(link).toMatch(/persist off/);
  expect(link).toMatch(/mtu 1472/);
  expect(one.sh('ip -4 -o addr show flannel0')).toMatch(/inet 10\.5\.1\.0\/32/);
  expect(one.sh('ip route show 10.5.0.0/16')).toMatch(/^10\.5\.0\.0\/16 dev flannel0 /);
  expect(one.sh('ss -Hlun').trim().split('\n')).toHaveLength(1);
  expect(one.sh('ss -Hltn').trim()).toBe('');
  // flanneld's control is a socket pair of its own; ours is shared memory.
  expect(one.sh('ss -Hxl').match(/ LISTEN .*/g)).toEqual([expect.stringContaining('agent.sock')]);
});

test('the socket is bound to ifaceIP:8285, also the source port; the payload is the raw IPv4 packet; each end takes one of the TTL: 64, 63 on the wire, 62', async () => {
  expect(one.sh('ss -Hlun')).toMatch(/192\.168\.50\.11:8285/);
  // From the host itself, so that no other router takes its own one of the TTL.
  const ping = () => one.sh(`ping -c 1 -W 2 -I 10.5.1.0 ${two.podAddress}`);
  const out = await capture(one, 'flannel0', 'icmp[0] == 8', ping, (text) => ipPackets(text).length > 0);
  const wire = await capture(
    two,
    'eth0',
    'udp and src host 192.168.50.11',
    ping,
    (text) => ipPackets(text).length > 0,
  );
  const inward = await capture(two, 'flannel0', 'icmp[0] == 8', ping, (text) => ipPackets(text).length > 0);
  expect(wire).toMatch(/192\.168\.50\.11\.8285 > 192\.168\.50\.12\.8285: UDP, length 84/);
  const inner = (ipPackets(wire)[0] ?? '').slice(2 * 28);
  expect(inner.slice(0, 2)).toBe('45');
  expect(inner.slice(24, 40)).toBe('0a0501000a050202');
  const ttl = (packet: string | undefined) => Number.parseInt(packet?.slice(16, 18) ?? '', 16);
  expect([ttl(ipPackets(out)[0]), ttl(inner), ttl(ipPackets(inward)[0])]).toEqual([64, 63, 62]);
});

test('a TTL that is used up is dropped without a word, at either end', async () => {
  const lines = await capture(
    two,
    'any',
    'icmp or (udp and port 8285)',
    () => {
      for (const ttl of [1, 2]) one.sh(`ping -c 1 -W 0.2 -t ${ttl} -I 10.5.1.0 ${two.podAddress} || true`);
      one.sh(`ping -c 1 -W 2 -I 10.5.1.0 ${two.podAddress}`);
    },
    (text) => text.includes('echo reply'),
  );
  // Of the first nothing comes, of the second the datagram alone; of the last the datagrams both ways.
  expect(lines.match(/192\.168\.50\.11\.8285 > 192\.168\.50\.12\.8285/g)).toHaveLength(2);
  expect(lines.match(/192\.168\.50\.12\.8285 > 192\.168\.50\.11\.8285/g)).toHaveLength(1);
  expect(lines).not.toContain('exceeded');
});

test('no route is answered with ICMP 3/0 from the address of flannel0 with a TTL of 8, quoting the header and 8 bytes; ICMP and later fragments are not', async () => {
  const lines = await capture(
    one.pod,
    'eth0',
    'icmp',
    () => {
      one.pod.sh(send('10.5.77.7', 9, 'b"x"*100'));
      one.pod.sh('ping -c 1 -W 0.2 10.5.77.8 || true');
      // Three fragments, of which the first alone is answered.
      one.pod.sh(send('10.5.77.9', 9, 'b"x"*4000'));
      one.pod.sh(send('10.5.77.10', 9, 'b"x"'));
    },
    (text) => text.includes('net 10.5.77.10 unreachable'),
  );
  const answers = [...lines.matchAll(/10\.5\.1\.0 > 10\.5\.1\.2: ICMP net (\S+) unreachable, length (\d+)/g)];
  expect(answers.map(([, about, length]) => [about, length])).toEqual([
    ['10.5.77.7', '36'],
    ['10.5.77.9', '36'],
    ['10.5.77.10', '36'],
  ]);
  // The host sends it as its own, so that between it and its pod nobody takes one of the eight.
  const own = ipPackets(lines).filter((packet) => packet.slice(24, 32) === '0a050100');
  expect(own.map((packet) => packet.slice(16, 18))).toEqual(['08', '08', '08']);
  const [first = ''] = own;
  // 3/0, checksum, nothing, then the packet's header, its ports, length and checksum.
  expect(first.slice(40)).toMatch(
    /^0300[0-9a-f]{4}0{8}45000080[0-9a-f]{8}3f11[0-9a-f]{4}0a0501020a054d07[0-9a-f]{4}0009006c[0-9a-f]{4}$/,
  );
});

test('what is longer than the MTU of flannel0 is not carried: flanneld cuts it off, ours drops and counts it', async () => {
  const packet = (size: number) => {
    const header = Buffer.from('450000000000000009110000', 'hex');
    header.writeUInt16BE(size, 2);
    const addresses = Buffer.from([10, 5, 2, 9, 10, 5, 1, 2]);
    const whole = Buffer.concat([
      header,
      addresses,
      Buffer.from('1111222200080000', 'hex'),
      Buffer.alloc(size),
    ]);
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += whole.readUInt16BE(at);
    whole.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, 10);
    return whole.subarray(0, size).toString('hex');
  };
  const lines = await capture(
    one,
    'flannel0',
    'udp and src host 10.5.2.9',
    () => {
      // From another port, as a NAT makes it.
      for (const size of [1473, 1472]) two.sh(send(one.address, 8285, inBytes(packet(size))));
    },
    (text) => text.includes('length 1472'),
  );
  expect(ipPackets(lines)).toHaveLength(1);
  const traffic = (await one.status())?.traffic;
  expect(traffic?.in.drops).toMatchObject({ 'too-big': 1 });
});

test('every lease is accepted, whatever its BackendType, and is sent to at our own port; a key that goes is sent to no more', async () => {
  const key = 'subnets/10.5.9.0-24';
  two.sh('ip addr add 192.168.50.99/24 dev eth0');
  made.put(
    key,
    '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"Port":7}}',
  );
  await made.ready(one, 2);
  const ping = () => one.sh('ping -c 1 -W 0.2 -I 10.5.1.0 10.5.9.9 || true');
  const lines = await capture(two, 'eth0', 'udp', ping, (text) => text.includes('UDP'));
  expect(lines).toContain('192.168.50.11.8285 > 192.168.50.99.8285: UDP, length 84');
  made.remove(key);
  await made.ready(one, 1);
  const after = await capture(
    two,
    'eth0',
    'udp',
    () => {
      ping();
      one.sh(`ping -c 1 -W 2 -I 10.5.1.0 ${two.podAddress}`);
    },
    (text) => text.includes('192.168.50.12.8285'),
  );
  expect(after).not.toContain('192.168.50.99');
});

test('Backend.Port is the port of both ends; the device is the first flannel%d that is free', async () => {
  const three = hostOf(made, 3);
  made.under('/port').put('config', '{"Network":"10.5.0.0/16","Backend":{"Type":"udp","Port":9999}}');
  expect(await two.end('SIGTERM')).toBe(0);
  three.sh('ip link add flannel0 type veth peer name other');
  for (const host of [two, three]) host.start(['-etcd-prefix=/port']);
  await made.ready(two, 1);
  expect((await made.ready(three, 1)).device?.name).toBe('flannel1');
  expect(three.sh('ss -Hlun')).toMatch(/192\.168\.50\.13:9999/);
  expect(pings(three, two)).toBe(true);
});
