import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { labForEachTest } from '../test-lab/each-test.ts';
import { cidr, type Driver, type Host, ipv4, leaseOf } from '../test-lab/lab.ts';

const config = { type: 'udp', port: 8285 } as const;

const lab = labForEachTest(2);

async function up() {
  const [one, other] = lab().hosts;
  if (one === undefined || other === undefined) throw new Error('two hosts expected');
  const drivers = [one.driver(), other.driver()] as const;
  const [first] = await Promise.all(drivers.map((driver) => driver.create(config)));
  if (first === undefined) throw new Error('two drivers expected');
  await Promise.all(drivers.map((driver) => driver.start()));
  const leases = [leaseOf(one, {}), leaseOf(other, {})] as const;
  await Promise.all([drivers[0].program([leases[1]]), drivers[1].program([leases[0]])]);
  return { one, other, drivers, leases, ...first };
}

const reaches = (from: Host, to: Host) => from.pod.ok(`ping -c 1 -W 0.3 -q ${to.podAddress}`);

const direction = z.object({
  packets: z.number(),
  bytes: z.number(),
  drops: z.record(z.string(), z.number()),
});
const peer = z.object({
  subnet: z.string(),
  outPackets: z.number(),
  outBytes: z.number(),
  inPackets: z.number(),
  inBytes: z.number(),
});
const counters = z.object({ out: direction, in: direction, peers: z.array(peer) });
const countersOf = async (driver: Driver) => counters.parse(await driver.ask({ do: 'counters' }));

test('pods reach each other through flannel0 at the MTU and not beyond, with flannel’s TTL', async () => {
  const { one, other, drivers, attributes, mtu } = await up();
  expect(attributes).toEqual({});
  expect(mtu).toBe(1472);
  one.pod.sh(`ping -c 1 -W 0.5 -M do -s ${mtu - 28} ${other.podAddress}`);
  expect(one.pod.ok(`ping -c 1 -W 0.5 -M do -s ${mtu - 27} ${other.podAddress}`)).toBe(false);
  expect(one.sh('ip -br addr show flannel0')).toContain('10.5.1.0/32');
  expect(one.sh('ip route show 10.5.0.0/16')).toContain('dev flannel0');
  // Four of 64: each host routes it once, and each end of the tunnel takes one.
  expect(one.pod.sh(`ping -c 1 -W 0.5 ${other.podAddress}`)).toContain('ttl=60');
  expect(one.pod.ok(`ping -c 1 -W 0.3 -t 3 ${other.podAddress}`)).toBe(false);
  const { out, in: inward } = await countersOf(drivers[0]);
  expect(out.packets).toBeGreaterThanOrEqual(2);
  expect(inward.bytes).toBeGreaterThan(mtu);
  expect(one.pod.ok(`ping -c 1 -W 0.3 -t 2 ${other.podAddress}`)).toBe(false);
  // 3 arrives at the other end with 1, 2 comes to this end with 1.
  expect((await countersOf(drivers[1])).in.drops['ttl']).toBe(1);
  expect((await countersOf(drivers[0])).out.drops['ttl']).toBe(1);
  expect(one.pod.ok(`ping -c 1 -W 0.3 -t 5 ${other.podAddress}`)).toBe(true);
});

test('a destination without a lease is answered with "network unreachable" from flannel0', async () => {
  const { one, drivers } = await up();
  const script = [
    'import socket,sys',
    's=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(0,11,1)',
    's.settimeout(1); s.connect(("10.5.77.7",9)); s.send(b"hello")',
    'try: s.recv(10)',
    'except OSError as e: print(e.errno)',
    'd,a,f,p=s.recvmsg(100,500,0x2000); print(a[0][2][4:7].hex(), p)',
  ].join('\n');
  const answer = one.pod.sh(`python3 -c '${script.replaceAll("'", '"')}'`);
  // ENETUNREACH; origin ICMP, type 3, code 0.
  expect(answer).toContain('101');
  expect(answer).toContain('020300');
  expect((await countersOf(drivers[0])).out.drops['no-route']).toBe(1);
  // About ICMP itself nothing is said.
  expect(one.pod.sh('ping -c 1 -W 0.3 10.5.77.7 || true')).not.toContain('Unreachable');
});

test('the device is put right or made anew; what isn’t a packet is dropped', async () => {
  const { one, other, drivers, leases } = await up();
  const damages: readonly (readonly [string, boolean])[] = [
    ['ip link delete flannel0', true],
    ['ip link set flannel0 down', true],
    ['ip route delete 10.5.0.0/16', true],
    ['ip address delete 10.5.1.0/32 dev flannel0', false],
    ['ip address add 10.5.99.0/32 dev flannel0', false],
    ['ip link set flannel0 mtu 1400', false],
  ];
  for (const [damage, cuts] of damages) {
    one.sh(damage);
    if (cuts) expect([damage, reaches(one, other)]).toEqual([damage, false]);
    const { repairs } = await drivers[0].program([leases[1]]);
    expect([damage, repairs > 0]).toEqual([damage, true]);
    expect([damage, reaches(one, other)]).toEqual([damage, true]);
    expect([damage, (await drivers[0].program([leases[1]])).repairs]).toEqual([damage, 0]);
  }
  expect(one.sh('ip -br addr show flannel0')).not.toContain('10.5.99.0');
  other.sh(
    "python3 -c \"import socket; s=socket.socket(2,2); [s.sendto(b,('192.168.50.11',8285)) for b in (b'',b'x'*19,b'\\x60'+b'x'*60,b'E'*20,b'E'*5000)]\"",
  );
  expect(reaches(one, other)).toBe(true);
  const { drops } = (await countersOf(drivers[0])).in;
  expect(drops).toMatchObject({ 'too-short': 2, 'not-ipv4': 1, 'bad-length': 1, 'too-big': 1 });
});

/** Sends a packet of ICMP to the first host's pod, claiming to come from an address, from a socket with another. */
const forge = (sender: string, claimed: string) => `python3 -c "
import socket, struct
def total(data):
    value = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    value = (value >> 16) + (value & 65535)
    return ~(value + (value >> 16)) & 65535
echo = struct.pack('!BBHHH', 8, 0, total(struct.pack('!BBHHH', 8, 0, 0, 7, 7)), 7, 7)
fields = (69, 0, 28, 7, 0, 9, 1)
addresses = socket.inet_aton('${claimed}') + socket.inet_aton('10.5.1.2')
head = struct.pack('!BBHHHBBH', *fields, total(struct.pack('!BBHHHBBH', *fields, 0) + addresses)) + addresses
s = socket.socket(2, 2)
s.bind(('${sender}', 0))
s.sendto(head + echo, ('192.168.50.11', 8285))
"`;

test('a peer may send for its own subnet and itself alone, and is counted', async () => {
  const { one, other, drivers, leases } = await up();
  await drivers[0].program([
    leases[1],
    { ...leases[1], subnet: cidr('10.5.3.0/24'), publicIp: ipv4('192.168.50.13') },
  ]);
  other.sh('ip addr add 192.168.50.77/24 dev eth0');
  const before = await countersOf(drivers[0]);
  const forged = [
    ['192.168.50.12', '10.5.2.9', null],
    ['192.168.50.12', '192.168.50.12', null],
    ['192.168.50.12', '10.5.3.9', 'spoofed'],
    ['192.168.50.12', '8.8.8.8', 'spoofed'],
    // Nobody's lease names this address, as with a host behind a NAT.
    ['192.168.50.77', '10.5.3.9', null],
    ['192.168.50.77', '8.8.8.8', 'unknown-peer'],
  ] as const;
  for (const [sender, claimed] of forged) other.sh(forge(sender, claimed));
  await expect
    .poll(async () => (await countersOf(drivers[0])).in.drops, { timeout: 10_000 })
    .toMatchObject({ spoofed: 2, 'unknown-peer': 1 });
  expect((await countersOf(drivers[0])).in.packets - before.in.packets).toBe(3);
  expect(reaches(one, other)).toBe(true);
  const { peers } = await countersOf(drivers[0]);
  expect(peers).toEqual([
    {
      subnet: '10.5.2.0/24',
      outPackets: expect.any(Number),
      outBytes: expect.any(Number),
      inPackets: 3,
      inBytes: 140,
    },
    {
      subnet: '10.5.3.0/24',
      outPackets: expect.any(Number),
      outBytes: expect.any(Number),
      inPackets: 1,
      inBytes: 28,
    },
  ]);
});

test('a peer that leaves is no longer sent to, and stop takes the device away', async () => {
  const { one, other, drivers, leases } = await up();
  const { peers } = await drivers[0].program([
    { ...leases[1], backendType: 'vxlan' },
    { ...leases[1], subnet: cidr('10.6.0.0/24'), publicIp: ipv4('192.168.50.13') },
  ]);
  expect(peers.map(({ state }) => state)).toEqual(['programmed', 'ignored']);
  expect(reaches(one, other)).toBe(true);
  await drivers[0].program([]);
  expect(reaches(one, other)).toBe(false);
  await drivers[0].ask({ do: 'stop' });
  expect(one.ok('ip link show flannel0')).toBe(false);
  expect(one.sh('ip route')).not.toContain('10.5.0.0/16');
  await drivers[0].start();
  await drivers[0].program([leases[1]]);
  expect(reaches(one, other)).toBe(true);
});

const transfer = `
import hashlib, os, socket, sys
data = os.urandom(1 << 20) * 24 + os.urandom(12345)
if sys.argv[1] == "serve":
    listener = socket.create_server(("", 7000))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("", 7001))
    connection, peer = listener.accept()
    digest, size = hashlib.sha256(), 0
    while size < len(data):
        part = connection.recv(1 << 16)
        digest.update(part)
        size += len(part)
    connection.sendall((peer[0] + " " + digest.hexdigest()).encode())
    connection.close()
    message, peer = datagrams.recvfrom(65536)
    datagrams.sendto(message, peer)
else:
    connection = socket.create_connection((sys.argv[1], 7000), 5)
    connection.sendall(data)
    peer, digest = connection.makefile().read().split()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.settimeout(5)
    message = os.urandom(4001)
    datagrams.sendto(message, (sys.argv[1], 7001))
    echo = datagrams.recv(65536)
    print(peer, digest == hashlib.sha256(data).hexdigest(), echo == message)
`;

/** Switches a device's checksum offload off, and with it all that needs it (linux/ethtool.h, ETHTOOL_STXCSUM). */
const withoutChecksums = `
import array, fcntl, socket, struct, sys
for name in sys.argv[1:]:
    value = array.array("I", [0x17, 0])
    request = struct.pack("16sP16x", name.encode(), value.buffer_info()[0])
    fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, request)
`;

test('TCP and fragmented UDP arrive unchanged, from the pod’s own address, with and without offloads', async () => {
  const { one, other, drivers } = await up();
  const file = join(lab().directory, 'transfer.py');
  writeFileSync(file, transfer);
  const carry = () => {
    other.pod.sh(`python3 ${file} serve >/dev/null 2>&1 & sleep 0.4`);
    return one.pod.sh(`timeout 30 python3 ${file} ${other.podAddress}`).trim();
  };
  expect(carry()).toBe('10.5.1.2 True True');
  const { out } = await countersOf(drivers[0]);
  expect(out.bytes).toBeGreaterThan(24 << 20);
  expect(out.bytes / out.packets).toBeGreaterThan(1000);
  expect(out.bytes / out.packets).toBeLessThanOrEqual(1472);
  for (const host of [one, other]) host.sh(`python3 -c '${withoutChecksums}' eth0 pod0`);
  expect(carry()).toBe('10.5.1.2 True True');
});

const datagrams = `
import os, random, socket, sys
random.seed(4)
# Sizes, whether the kernel is to split one write into them (UDP_SEGMENT), and whether they have no checksum.
trains = [
    ([1000] * 20 + [333], True, False),
    ([1] * 30, True, False),
    ([1444] * 40 + [1], True, False),
    ([1400] * 50 + [77] + [1400] * 3, False, False),
    ([1400] * 5, False, True),
    ([random.randint(1, 1444) for _ in range(60)], False, False),
]
wanted = [bytes([random.getrandbits(8) for _ in range(size)]) for sizes, _, _ in trains for size in sizes]
if sys.argv[1] == "serve":
    ordinary = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ordinary.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    ordinary.bind(("", 7002))
    ordinary.settimeout(10)
    print("ready", flush=True)
    got = []
    while len(got) < len(wanted):
        message, peer = ordinary.recvfrom(65536)
        got.append(message)
    ordinary.sendto(b"same" if got == wanted else b"different", peer)
else:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.settimeout(12)
    sender.connect((sys.argv[1], 7002))
    rest = list(wanted)
    for sizes, splits, unchecked in trains:
        sender.setsockopt(socket.SOL_SOCKET, 11, int(unchecked))
        train, rest = rest[: len(sizes)], rest[len(sizes) :]
        if splits:
            sender.setsockopt(17, 103, sizes[0])
            sender.send(b"".join(train))
            sender.setsockopt(17, 103, 0)
        else:
            for message in train:
                sender.send(message)
    print(len(wanted), sender.recv(100).decode())
`;

const statistics = z.array(z.object({ stats64: z.object({ rx: z.object({ packets: z.number() }) }) }));

test('datagrams of UDP arrive in order and as they were sent, many by one call', async () => {
  const { one, other, drivers } = await up();
  const file = join(lab().directory, 'datagrams.py');
  writeFileSync(file, datagrams);
  const written = () => {
    const links: unknown = JSON.parse(other.sh('ip -s -j link show flannel0'));
    return statistics.parse(links)[0]?.stats64.rx.packets ?? 0;
  };
  const before = { datagrams: (await countersOf(drivers[1])).in.packets, written: written() };
  const carry = () => {
    other.pod.sh(
      `python3 ${file} serve >${file}.ready 2>&1 & until grep -q ready ${file}.ready; do sleep 0.1; done`,
    );
    return one.pod.sh(`timeout 30 python3 ${file} ${other.podAddress}`).trim();
  };
  expect(carry()).toBe('211 same');
  await expect
    .poll(async () => (await countersOf(drivers[1])).in.packets - before.datagrams, { timeout: 10_000 })
    .toBe(211);
  // Those that the kernel is to split come as one, and leave as one, where the TUN can (6.2 and later).
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 2)) expect(written() - before.written).toBeLessThan(150);
  for (const host of [one, other]) host.sh(`python3 -c '${withoutChecksums}' eth0 pod0`);
  expect(carry()).toBe('211 same');
});

const throughput = z.object({ end: z.object({ sum_received: z.object({ bits_per_second: z.number() }) }) });

test('is faster than a proxy in C that takes a packet a call, and idle costs no CPU', async () => {
  const { one, other, drivers } = await up();
  const ticks = () => {
    const fields = one
      .sh(`cat /proc/${drivers[0].pid}/stat`)
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(ticks() - before).toBeLessThanOrEqual(3);
  const measure = () => {
    other.pod.sh('iperf3 -s -D -1 >/dev/null');
    one.pod.sh('sleep 0.2');
    const measured: unknown = JSON.parse(one.pod.sh(`iperf3 -J -t 1 -c ${other.podAddress}`));
    return throughput.parse(measured).end.sum_received.bits_per_second / 1e9;
  };
  // The best of a few, for the machine may have other work.
  let best = 0;
  for (let tries = 0; tries < 4 && best <= 0.3; tries += 1) best = Math.max(best, measure());
  console.info(`udp backend: ${best.toFixed(2)} Gbit/s`);
  expect(best).toBeGreaterThan(0.3);
});
