import { makeCounterMemory, readCounters } from '../../agent/backend/udp/counters.ts';
import type { Direction } from '../../agent/backend/udp/direction.ts';
import { outward } from '../../agent/backend/udp/outward.ts';
import { mutateBytes } from './mutate.ts';
import {
  buildPacket,
  headerOf,
  headersOf,
  hop,
  isTransportSealed,
  isWhole,
  type PacketWish,
  read16,
  read32,
  same,
  segmentsOf,
  slowSum,
  tcp,
  udp,
  wishOf,
  write16,
} from './packets.ts';
import { localOf, makePeers, peerOf, remoteOf } from './peers.ts';
import type { Random } from './random.ts';
import { type FakeMemory, fakeMemory, joined, messageAt, unusedSystem } from './system.ts';
import { hold, type Target } from './target.ts';

/* What the kernel gives to a TUN device: whatever anybody on the host, or in a container, has sent. */

const mtu = 1472;
const tun = 10;
const socket = 11;
const replies = 12;
const ownAddress = 0x0a050100;

interface Datagram {
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** The calls of one packet in a row that may be refused before all is well again, so that nothing waits for ever. */
const mostRefusals = 4;

interface Bench {
  readonly direction: Direction;
  readonly counters: SharedArrayBuffer;
  /** What the TUN gives next. */
  readonly given: Uint8Array[];
  readonly sent: Datagram[];
  readonly answers: Datagram[];
  /** The errors of the next calls that send. */
  readonly failures: number[];
}

function makeBench(memory: FakeMemory, offloads: boolean): Bench {
  const given: Uint8Array[] = [];
  const sent: Datagram[] = [];
  const answers: Datagram[] = [];
  const failures: number[] = [];
  let errno = 0;
  const fail = (error: number): number => {
    errno = error;
    return -1;
  };
  const counters = makeCounterMemory();
  const take = (to: number, bytes: Uint8Array, size: number): number => {
    hold(bytes.length <= 65507, 'a call has no more than a datagram may have');
    hold(Math.ceil(bytes.length / size) <= 64, 'a call has no more datagrams than the kernel takes');
    for (let at = 0; at < bytes.length; at += size) sent.push({ to, bytes: bytes.slice(at, at + size) });
    return bytes.length;
  };
  const addressIn = (name: Uint8Array | null): number => {
    if (name === null) throw new Error('nobody is named');
    hold(name.length === 16 && name[0] === 2 && read16(name, 2) === 8285, 'a peer is named with its port');
    return read32(name, 4);
  };
  const system = {
    ...unusedSystem(),
    allocate: memory.allocate,
    errno: () => errno,
    poll: () => 1,
    read(descriptor: number, buffer: Uint8Array, length: number): number {
      hold(descriptor === tun && length <= buffer.length, 'it reads from the TUN, no more than fits');
      const packet = given.shift();
      if (packet === undefined) return fail(11);
      const part = packet.subarray(0, length);
      buffer.set(part);
      return part.length;
    },
    sendto(descriptor: number, buffer: Uint8Array, length: number, _flags: number, name: Uint8Array): number {
      const bytes = buffer.slice(0, length);
      if (descriptor === replies) {
        answers.push({ to: read32(name, 4), bytes });
        return length;
      }
      hold(descriptor === socket, 'it sends by its own sockets');
      const failure = failures.shift();
      if (failure !== undefined) return fail(failure);
      return take(addressIn(name), bytes, length);
    },
    sendmsg(descriptor: number, address: number): number {
      hold(descriptor === socket, 'it sends by its own socket');
      const { name, vectors, control } = messageAt(memory, address);
      const failure = failures.shift();
      if (failure !== undefined) return fail(failure);
      const bytes = joined(vectors);
      if (control === null) return take(addressIn(name), bytes, Math.max(1, bytes.length));
      hold(control.getInt32(8, true) === 17 && control.getInt32(12, true) === 103, 'UDP_SEGMENT');
      const size = control.getUint16(16, true);
      hold(size > 0 && size <= mtu, 'a datagram is no longer than the MTU');
      return take(addressIn(name), bytes, size);
    },
  };
  const order = {
    tun,
    socket,
    replies,
    segments: offloads,
    datagrams: offloads,
    offloads,
    address: ownAddress,
    port: 8285,
    mtu,
  };
  return {
    direction: outward(system, { ...order, counters, routes }),
    counters,
    given,
    sent,
    answers,
    failures,
  };
}

const routes = makePeers();

/** struct virtio_net_hdr. */
interface Header {
  readonly flags: number;
  readonly type: number;
  readonly size: number;
  readonly start: number;
  readonly offset: number;
}

function virtioBytes({ flags, type, size, start, offset }: Header, headers: number): Uint8Array {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint8(1, type);
  view.setUint16(2, headers, true);
  view.setUint16(4, size, true);
  view.setUint16(6, start, true);
  view.setUint16(8, offset, true);
  return bytes;
}

const types = { whole: 0, tcp4: 1, udp: 5 } as const;

/** Packets with their headers as the kernel writes them; often one after the other is like the first, and may go with it. */
function packetsOf(random: Random): Uint8Array[] {
  const packets: Uint8Array[] = [];
  // So much that memory for what waits has no room for more.
  if (random.chance(0.003)) {
    const wish = {
      ...wishOf(random, { source: localOf(random), destination: remoteOf(random) }),
      protocol: tcp,
    };
    for (let count = 6; count > 0; count -= 1)
      packets.push(packetOf(random, wish, 0, 1000 * random.between(40, 60)));
  }
  for (let count = random.between(1, 3); count > 0; count -= 1) {
    const wish = wishOf(random, { source: localOf(random), destination: remoteOf(random) });
    const length = random.chance(0.01) ? 70 : random.pick(lengths);
    const payload = random.between(0, random.chance(0.9) ? 200 : 1500);
    for (let index = 0; index < length; index += 1) packets.push(packetOf(random, wish, payload));
  }
  return packets;
}
const lengths = [1, 1, 1, 2, 5] as const;

function packetOf(random: Random, wish: PacketWish, small: number, huge?: number): Uint8Array {
  const isLarge =
    (huge !== undefined || random.chance(0.2)) && (wish.protocol === tcp || wish.protocol === udp);
  const size =
    huge !== undefined ? 1000 : random.chance(0.9) ? random.between(400, 1380) : random.between(1, 1500);
  const most = random.chance(0.03) ? 65000 : 4000;
  const plain = random.chance(0.9) ? small : random.below(small + 1);
  const payload = isLarge ? (huge ?? random.between(0, most)) : plain;
  const bits = random.pick([0x10, 0x18, 0x11, 0x90, 0x02, 0x04, 0x30]);
  const packet = buildPacket(random, wish, payload, random.word(), random.word(), bits);
  const start = headerOf(packet);
  const offset = wish.protocol === tcp ? 16 : 6;
  const isPartial = (isLarge || random.chance(0.7)) && (wish.protocol === tcp || wish.protocol === udp);
  if (isPartial)
    write16(packet, start + offset, slowSum(packet, 12, 20, wish.protocol + packet.length - start));
  const header = {
    flags: isPartial ? 1 : 0,
    type: isLarge ? (wish.protocol === tcp ? types.tcp4 : types.udp) : types.whole,
    size: isLarge ? size : 0,
    start: isPartial ? start : 0,
    offset: isPartial ? offset : 0,
  };
  const whole = joined([virtioBytes(header, headersOf(packet) ?? 0), packet]);
  if (random.chance(0.6)) return whole;
  const damaged = mutateBytes(random, whole);
  // The kernel always writes the header.
  return damaged.length < 10 ? whole : damaged;
}

/** What is to leave for one packet: nothing, or these datagrams; `optional`: a kernel that wasn't asked may give no such packet. */
interface Expected {
  readonly datagrams: readonly Datagram[];
  readonly optional: boolean;
  /** A large packet without data, of which there is nothing to split and nothing to count. */
  readonly empty: boolean;
  /** Whether the sender is to be told that there is no route. */
  readonly unreachable: boolean;
}
const nothing: Expected = { datagrams: [], optional: false, empty: false, unreachable: false };

function expectedOf(given: Uint8Array): Expected {
  const view = new DataView(given.buffer, given.byteOffset, 10);
  const type = view.getUint8(1);
  const size = view.getUint16(4, true);
  const isLarge = (type === types.tcp4 || type === types.udp) && size > 0;
  const packet = given.slice(10);
  if (type !== types.whole && type !== types.tcp4 && type !== types.udp) return nothing;
  if (!isWhole(packet) || (!isLarge && packet.length > mtu)) return nothing;
  const optional = type === types.udp;
  const to = peerOf(read32(packet, 16));
  if (to === null) return { ...nothing, optional, unreachable: true };
  if ((packet[8] ?? 0) <= 1) return nothing;
  if (!isLarge) {
    const bytes = hop(packet);
    const start = view.getUint16(6, true);
    const at = start + view.getUint16(8, true);
    if (((given[0] ?? 0) & 1) !== 0 && start < packet.length && at + 2 <= packet.length) {
      const sum = ~slowSum(bytes, start) & 0xffff;
      write16(bytes, at, sum === 0 ? 0xffff : sum);
    }
    return { ...nothing, optional, datagrams: [{ to, bytes }] };
  }
  const whole = packet.subarray(0, read16(packet, 2));
  const headers = headersOf(whole);
  const isFragment = (read16(packet, 6) & 0x3fff) !== 0;
  const isKnown = packet[9] === tcp || packet[9] === udp;
  if (headers === null || isFragment || !isKnown) return nothing;
  const empty = headers === whole.length;
  if (headers + size > mtu) return { ...nothing, empty };
  return {
    ...nothing,
    // No kernel calls one the other.
    optional: optional || packet[9] !== tcp,
    empty,
    datagrams: segmentsOf(hop(whole), size).map((bytes) => ({ to, bytes })),
  };
}

const isSame = (one: Datagram, other: Datagram | undefined): boolean =>
  other !== undefined && one.to === other.to && same(one.bytes, other.bytes);

function checkAnswer({ to, bytes }: Datagram, packet: Uint8Array): void {
  hold(
    isWhole(bytes) && read16(bytes, 2) === bytes.length && slowSum(bytes, 0, 20) === 0xffff,
    'an error is whole',
  );
  hold(bytes[9] === 1 && bytes[20] === 3 && bytes[21] === 0 && bytes[8] === 8, 'it says network unreachable');
  hold(slowSum(bytes, 20) === 0xffff && read32(bytes, 12) === ownAddress, 'it is ours and right');
  hold(to === read32(packet, 12) && packet[9] !== 1 && (read16(packet, 6) & 0x1fff) === 0, 'it is allowed');
}

const errors = [11, 11, 105, 101, 1] as const;
const unsupported = [5, 22, 92, 95] as const;

let bench: Bench | null = null;
let uses = 0;

const total = (counters: SharedArrayBuffer) => {
  const { packets, bytes, drops } = readCounters(counters);
  return { packets, bytes, dropped: Object.values(drops).reduce((sum, each) => sum + each, 0), drops };
};

export const fromTun: Target = {
  name: 'packets-from-the-tun',
  share: 0.6,
  feed(random) {
    // What one input leaves behind, such as a kernel that refused to split, another one meets.
    // Drawn each time, so that the rest of an input is the same whether the bench is new or not.
    const offloads = random.chance(0.8);
    if (bench === null || uses % 50 === 0) bench = makeBench(fakeMemory(), offloads);
    uses += 1;
    const { direction, counters, given, sent, answers, failures } = bench;
    for (const list of [given, sent, answers, failures]) list.length = 0;
    const packets = packetsOf(random);
    given.push(...packets.map((packet) => Uint8Array.from(packet)));
    const isRefused = random.chance(0.05);
    if (isRefused)
      for (let count = random.between(1, mostRefusals); count > 0; count -= 1)
        failures.push(random.chance(0.3) ? random.pick(unsupported) : random.pick(errors));
    const before = total(counters);
    try {
      for (let index = 0; index <= packets.length; index += 1) {
        direction.carry();
        if (random.chance(0.05)) direction.flush();
      }
      direction.flush();
    } catch (error) {
      bench = null;
      throw error;
    }
    const after = total(counters);
    hold(after.packets - before.packets === sent.length, 'each datagram that leaves is counted');
    hold(
      after.bytes - before.bytes === sent.reduce((sum, { bytes }) => sum + bytes.length, 0),
      'each byte that leaves is counted',
    );
    const dropped = after.dropped - before.dropped;
    let next = 0;
    let lost = 0;
    let unsaid = 0;
    for (const packet of packets) {
      const expected = expectedOf(packet);
      const { datagrams } = expected;
      let arrived = 0;
      for (const datagram of datagrams)
        if (isSame(datagram, sent[next])) {
          next += 1;
          arrived += 1;
        }
      const isCarried = arrived === datagrams.length && arrived > 0;
      hold(
        isCarried || datagrams.length === 0 || isRefused || expected.optional,
        'what can be carried is carried',
      );
      if (expected.empty) unsaid += 1;
      else if (!isCarried) lost += 1;
      if (isCarried && datagrams.length > 1)
        for (const { bytes } of datagrams) hold(isTransportSealed(bytes), 'a segment has a right checksum');
    }
    hold(next === sent.length, 'nothing else leaves');
    hold(
      dropped >= lost && (dropped <= unsaid || lost > 0),
      `${lost} are lost, ${dropped} counted as dropped`,
    );
    const unreachable = packets
      .filter((packet) => expectedOf(packet).unreachable)
      .map((packet) => packet.slice(10));
    hold(answers.length <= unreachable.length, 'an error is for a packet without a route');
    for (const answer of answers) {
      const about = unreachable.find((packet) => {
        const quoted = Math.min(headerOf(packet) + 8, packet.length);
        return same(answer.bytes.subarray(28), packet.subarray(0, quoted));
      });
      if (about === undefined) throw new Error('an error quotes nothing that was sent');
      checkAnswer(answer, about);
    }
  },
};
