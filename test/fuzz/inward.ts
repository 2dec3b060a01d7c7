import { makeCounterMemory, readCounters } from '../../agent/backend/udp/counters.ts';
import type { Direction } from '../../agent/backend/udp/direction.ts';
import { inward } from '../../agent/backend/udp/inward.ts';
import { mutateBytes } from './mutate.ts';
import {
  buildPacket,
  headerOf,
  headersOf,
  hop,
  isIpSealed,
  isTransportSealed,
  isWhole,
  type PacketWish,
  read16,
  read32,
  same,
  sealIp,
  sealTransport,
  segmentsOf,
  slowSum,
  tcp,
  udp,
  wishOf,
  write16,
} from './packets.ts';
import { hosts, isHost, localOf, makePeers, peerOf, remoteOf } from './peers.ts';
import type { Random } from './random.ts';
import { type FakeMemory, fakeMemory, joined, messageAt, unusedSystem, vectorsAt } from './system.ts';
import { hold, type Target } from './target.ts';

/* What arrives at the udp backend's port: from peers, and from anybody else who can reach it. */

const mtu = 1472;
const tun = 10;
const socket = 11;

/** What one call receives: datagrams of one size, but the last, from one host. */
interface Received {
  readonly from: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

interface Bench {
  readonly direction: Direction;
  readonly counters: SharedArrayBuffer;
  readonly merges: boolean;
  readonly given: Received[];
  readonly written: Uint8Array[];
  /** How many of the next packets the TUN refuses. */
  refuse(count: number): void;
}

const routes = makePeers();

function makeBench(memory: FakeMemory, merges: boolean): Bench {
  const given: Received[] = [];
  const written: Uint8Array[] = [];
  let refusals = 0;
  let errno = 0;
  const counters = makeCounterMemory();
  const fail = (error: number): number => {
    errno = error;
    return -1;
  };
  const system = {
    ...unusedSystem(),
    allocate: memory.allocate,
    setsockopt: () => 0,
    errno: () => errno,
    recvmsg(descriptor: number, address: number): number {
      hold(descriptor === socket, 'it receives by its own socket');
      const { name, vectors, control, setControlLength } = messageAt(memory, address);
      const next = given.shift();
      if (next === undefined) return fail(11);
      let at = 0;
      for (const vector of vectors) {
        const part = next.bytes.subarray(at, at + vector.length);
        vector.set(part);
        at += part.length;
      }
      if (name !== null) new DataView(name.buffer, name.byteOffset).setUint32(4, next.from);
      if (control === null || next.size >= next.bytes.length) setControlLength(0);
      else {
        control.setBigUint64(0, 20n, true);
        control.setInt32(8, 17, true);
        control.setInt32(12, 104, true);
        control.setInt32(16, next.size, true);
        setControlLength(24);
      }
      return at;
    },
    writev(descriptor: number, address: number, count: number): number {
      hold(descriptor === tun, 'it writes to the TUN');
      const bytes = joined(vectorsAt(memory, address, count));
      if (refusals > 0) {
        refusals -= 1;
        return fail(105);
      }
      written.push(bytes);
      return bytes.length;
    },
  };
  const order = {
    tun,
    socket,
    replies: 12,
    segments: merges,
    datagrams: merges,
    offloads: merges,
    address: 0x0a050100,
    port: 8285,
    mtu,
  };
  return {
    direction: inward(system, { ...order, counters, routes }),
    counters,
    merges,
    given,
    written,
    refuse(count) {
      refusals = count;
    },
  };
}

/** Packets of one flow, one after the other, as a peer sends them, with something odd in between now and then. */
function trainOf(random: Random, source: number, size: number, count: number): Uint8Array[] {
  const wish = wishOf(random, { source, destination: localOf(random) });
  const headers = 20 + wish.options + (wish.protocol === tcp ? 20 + wish.tcpOptions : 8);
  const payload = Math.max(0, size - headers);
  let sequence = random.word();
  const oddness = random.pick([0, 0, 0.1, 0.4]);
  return Array.from({ length: count }, (_, index) => {
    const isOdd = random.chance(oddness);
    const bits = isOdd ? random.pick([0x18, 0x11, 0x90, 0x50, 0x30, 0x00, 0x14]) : 0x10;
    const own = isOdd && random.chance(0.3) ? { ...wish, ...oddOf(random) } : wish;
    const isShort = index === count - 1 || (isOdd && random.chance(0.2));
    const length = isShort ? random.between(0, payload) : payload;
    const packet = buildPacket(random, own, length, index, sequence, bits);
    sequence += length;
    if (!isOdd || random.chance(0.3)) return packet;
    const damaged = random.chance(0.6) ? tweak(random, packet) : mutateBytes(random, packet);
    // Most with checksums as a sender would have written them, so that only what was changed differs.
    if (isWhole(damaged) && headersOf(damaged) !== null) {
      if (random.chance(0.7)) sealIp(damaged);
      if (random.chance(0.7)) sealTransport(damaged);
    }
    return damaged;
  });
}

/** Changes one bit of a field that decides what may be merged; the places in the other header are from its beginning. */
function tweak(random: Random, packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  const header = headerOf(bytes);
  const at = random.chance(0.4) ? random.pick(ipFields) : header + random.pick(transportFields);
  if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ random.pick([1, 1, 2, 0x80]);
  return bytes;
}
const ipFields = [1, 4, 5, 5, 6, 8, 11, 11, 15, 19] as const;
const transportFields = [1, 3, 5, 7, 11, 12, 12, 13, 14, 15, 15, 17, 19, 21, 30] as const;

const oddOf = (random: Random): Partial<PacketWish> =>
  random.pick<Partial<PacketWish>>([
    { ttl: 63 },
    { service: 3 },
    { fragment: 0 },
    { ports: 7 },
    { tcpOptions: 8 },
    { options: 4 },
    { protocol: 1 },
  ]);

/** Datagrams as calls give them: all of one size, but the last, which may be shorter. */
function callsOf(random: Random, from: number, train: readonly Uint8Array[]): Received[] {
  const calls: Received[] = [];
  for (let at = 0; at < train.length; ) {
    const size = train[at]?.length ?? 0;
    const most = Math.min(random.pick(groups), Math.floor(65_507 / Math.max(1, size)));
    let end = at + 1;
    while (end < train.length && end - at < most && train[end - 1]?.length === size) {
      if ((train[end]?.length ?? 0) > size) break;
      end += 1;
    }
    calls.push({ from, size, bytes: joined(train.slice(at, end)) });
    at = end;
  }
  return calls;
}
const groups = [1, 4, 64, 64, 128] as const;

function receivedOf(random: Random): Received[] {
  const source = remoteOf(random);
  const from = random.chance(0.9) ? (peerOf(source) ?? random.pick(hosts)) : random.pick(hosts);
  if (random.chance(0.1)) {
    const bytes = random.bytes(random.below(100));
    return [{ from, size: bytes.length, bytes }];
  }
  // A flow that goes on for longer than any memory for what waits.
  if (random.chance(0.003))
    return callsOf(random, from, trainOf(random, source, random.pick([100, 1400]), 300));
  const size = random.chance(0.7) ? random.between(60, 300) : random.between(28, 1600);
  const count = random.chance(0.05) ? random.between(1, 128) : random.between(1, 8);
  return callsOf(random, from, trainOf(random, source, size, count));
}

function accepts(packet: Uint8Array, from: number): boolean {
  if (packet.length > mtu || !isWhole(packet) || (packet[8] ?? 0) <= 1) return false;
  const source = read32(packet, 12);
  const peer = peerOf(source);
  if (peer !== null) return !isHost(from) || peer === from;
  return isHost(from) && source === from;
}

/** The packets that the kernel makes of one that was written to the TUN, and how many bytes each counts. */
function packetsIn(bytes: Uint8Array): { readonly packets: readonly Uint8Array[]; readonly merged: boolean } {
  hold(bytes.length >= 10, 'a packet has a virtio header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 10);
  const packet = bytes.subarray(10);
  const [flags, type, size] = [view.getUint8(0), view.getUint8(1), view.getUint16(4, true)];
  if (type === 0) {
    hold(flags === 0, 'the kernel is asked nothing for a packet that is whole');
    return { packets: [packet], merged: false };
  }
  const headers = headersOf(packet);
  if (headers === null) throw new Error('a merged packet has headers');
  hold(
    type === (packet[9] === tcp ? 1 : 5) && (packet[9] === tcp || packet[9] === udp),
    'it is of its protocol',
  );
  hold(
    isWhole(packet) && read16(packet, 2) === packet.length && packet.length <= 65535,
    'a merged packet is whole',
  );
  hold(isIpSealed(packet), 'a merged packet has a right header');
  hold(flags === 1 && view.getUint16(6, true) === headerOf(packet), 'its checksum is the kernel’s to finish');
  hold(view.getUint16(8, true) === (packet[9] === tcp ? 16 : 6), 'and goes where it belongs');
  hold(view.getUint16(2, true) === headers, 'the length of its headers is told');
  const at = headerOf(packet) + view.getUint16(8, true);
  const pseudo = slowSum(packet, 12, 20, (packet[9] ?? 0) + packet.length - headerOf(packet));
  hold(read16(packet, at) === pseudo, 'its checksum is the pseudo header’s');
  hold(size > 0 && packet.length - headers > size, 'it is more than one');
  return { packets: segmentsOf(packet, size), merged: true };
}

const trimmed = (packet: Uint8Array): Uint8Array => packet.subarray(0, read16(packet, 2));

/** A packet without what merging may change: the id, which the kernel counts anew, and an urgent pointer that says nothing. */
function essence(packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  // A packet that may become fragments keeps its id.
  const isWholeForEver = (read16(bytes, 6) & 0x4000) !== 0;
  if (isWholeForEver) {
    write16(bytes, 4, 0);
    write16(bytes, 10, 0);
  }
  if (bytes[9] === tcp) {
    write16(bytes, headerOf(bytes) + 16, 0);
    write16(bytes, headerOf(bytes) + 18, 0);
  }
  return bytes;
}

/** Whether a packet is the one that was to arrive. What follows a packet in its datagram the kernel ignores. */
const isThe = (packet: Uint8Array, wanted: Uint8Array, merged: boolean): boolean =>
  merged ? same(essence(trimmed(packet)), essence(trimmed(wanted))) : same(trimmed(packet), trimmed(wanted));

let bench: Bench | null = null;
let uses = 0;

export const fromWire: Target = {
  name: 'datagrams-from-the-wire',
  share: 0.6,
  feed(random) {
    // Drawn each time, so that the rest of an input is the same whether the bench is new or not.
    const offloads = random.chance(0.85);
    if (bench === null || uses % 50 === 0) bench = makeBench(fakeMemory(), offloads);
    uses += 1;
    const { direction, counters, given, written, merges, refuse } = bench;
    given.length = 0;
    written.length = 0;
    const calls = Array.from({ length: random.between(1, 3) }, () => receivedOf(random)).flat();
    given.push(...calls);
    const isRefused = random.chance(0.03);
    refuse(isRefused ? random.between(1, 3) : 0);
    const before = readCounters(counters);
    try {
      for (let index = 0; index <= calls.length; index += 1) {
        direction.carry();
        if (random.chance(0.05)) direction.flush();
      }
      direction.flush();
    } catch (error) {
      bench = null;
      throw error;
    }
    const after = readCounters(counters);
    let datagrams = 0;
    const expected: Uint8Array[] = [];
    for (const { from, size, bytes } of calls) {
      let at = 0;
      do {
        const packet = bytes.subarray(at, at + Math.max(1, size));
        datagrams += 1;
        if (accepts(packet, from)) expected.push(hop(packet));
        at += Math.max(1, size);
      } while (at < bytes.length);
    }
    let next = 0;
    for (const each of written) {
      const { packets, merged } = packetsIn(each);
      hold(merges || !merged, 'nothing is merged without offloads');
      for (const packet of packets) {
        let wanted = expected[next];
        next += 1;
        // Of what the TUN refuses the rest comes later.
        if (isRefused)
          while (wanted !== undefined && !isThe(packet, wanted, merged)) {
            wanted = expected[next];
            next += 1;
          }
        if (wanted === undefined) throw new Error('more is written than may be');
        hold(isThe(packet, wanted, merged), 'a packet arrives as it was sent');
        if (merged)
          hold(isIpSealed(wanted) && isTransportSealed(trimmed(wanted)), 'only what is right is merged');
      }
    }
    hold(isRefused || next === expected.length, `${expected.length} may pass, ${next} arrive`);
    const sum = (drops: Readonly<Record<string, number>>) =>
      Object.values(drops).reduce((all, each) => all + each, 0);
    const counted = after.packets - before.packets + sum(after.drops) - sum(before.drops);
    hold(counted === datagrams, `of ${datagrams} datagrams ${counted} are counted`);
  },
};
