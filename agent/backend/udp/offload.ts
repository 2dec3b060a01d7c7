import { field, fold, headerLength, sealHeader, sumWords } from './packet.ts';
import type { Sum } from './sum.ts';

/*
 * TCP segments and UDP datagrams as the kernel hands them to a TUN device with offloads: many of one flow as a single packet.
 * Going out it is split, so that each datagram is a plain packet as flannel sends it; coming in, a run becomes one again.
 */

/** struct virtio_net_hdr (linux/virtio_net.h), in the machine's byte order, which is little-endian wherever Node.js runs. */
export const virtioHeader = 10;
const needsChecksum = 1;
const noSegments = 0;
const tcpSegments = 1;
const udpDatagrams = 5;

const tcp = 6;
const udp = 17;
const tcpChecksum = 16;
const minimumTcpHeader = 20;
const udpLength = 4;
const udpChecksum = 6;
const udpHeader = 8;
/** An IPv4 header with a TCP header is never longer. */
export const longestHeaders = 120;
const longestPacket = 65535;
/** Datagrams that the kernel takes as one (UDP_MAX_SEGMENTS of older ones). */
const mostDatagrams = 64;

const flags = { fin: 0x01, push: 0x08, ack: 0x10, reduced: 0x80 } as const;
const dontFragment = 0x4000;

/** The fields that we use, of a header before a packet from the TUN. */
export interface Virtio {
  /** Bytes of payload in each segment; 0 for a packet that is whole. */
  readonly segment: number;
  /** Where the sum that is still to be made starts and goes; null when there is none. */
  readonly partial: { readonly start: number; readonly field: number } | null;
}

/** Reads the header; null when it asks for something that we didn't offer. */
export function readVirtio(bytes: DataView, at: number): Virtio | null {
  const type = bytes.getUint8(at + 1);
  if (type !== noSegments && type !== tcpSegments && type !== udpDatagrams) return null;
  const start = bytes.getUint16(at + 6, true);
  const partial =
    (bytes.getUint8(at) & needsChecksum) === 0
      ? null
      : { start, field: start + bytes.getUint16(at + 8, true) };
  return { segment: type === noSegments ? 0 : bytes.getUint16(at + 4, true), partial };
}

/** Finishes the checksum of a whole packet, in whose field the kernel has left the pseudo header's sum. */
export function finishChecksum(
  packet: DataView,
  at: number,
  length: number,
  { partial }: Virtio,
  sum: Sum = sumWords,
): void {
  if (partial === null || partial.start >= length || partial.field + 2 > length) return;
  const total = ~sum(packet, at + partial.start, length - partial.start) & 0xffff;
  // UDP says "no checksum" by 0, so its sum of 0 is written as all ones (RFC 768); for TCP both are the same.
  packet.setUint16(at + partial.field, total === 0 ? 0xffff : total);
}

/** Where the parts of a packet of TCP or UDP are. */
export interface Layout {
  readonly protocol: number;
  readonly ipHeader: number;
  /** Both headers. */
  readonly headers: number;
  readonly payload: number;
}

/**
 * The layout of a packet that `flawOf` found no flaw in; null when it is one of neither TCP nor UDP, or a fragment, or when
 * its lengths contradict each other.
 */
export function layoutOf(packet: DataView, at: number): Layout | null {
  const protocol = packet.getUint8(at + field.protocol);
  if (protocol !== tcp && protocol !== udp) return null;
  if ((packet.getUint16(at + field.fragment) & 0x3fff) !== 0) return null;
  const ipHeader = headerLength(packet, at);
  const total = packet.getUint16(at + field.length);
  if (total < ipHeader + (protocol === tcp ? minimumTcpHeader : udpHeader)) return null;
  if (protocol === udp) {
    if (packet.getUint16(at + ipHeader + udpLength) !== total - ipHeader) return null;
    return { protocol, ipHeader, headers: ipHeader + udpHeader, payload: total - ipHeader - udpHeader };
  }
  const tcpHeader = (packet.getUint8(at + ipHeader + 12) >> 4) * 4;
  const headers = ipHeader + tcpHeader;
  if (tcpHeader < minimumTcpHeader || headers > total) return null;
  return { protocol, ipHeader, headers, payload: total - headers };
}

export const segmentCount = ({ payload }: Layout, size: number): number => Math.ceil(payload / size);

/** What all segments of a packet have in common: the words of its headers, and the sums of those that don't change. */
export interface Split {
  readonly layout: Layout;
  readonly ipSum: number;
  /** Of the pseudo header (RFC 9293, 3.1; RFC 768) and TCP's or UDP's own. */
  readonly sum: number;
  readonly id: number;
  readonly sequence: number;
  /** TCP's header length and flags. */
  readonly bits: number;
}

/* The words that do change, from the beginning of each header: a sum without them is one with their complements (RFC 1071). */
const changingIp = [field.length, field.id, field.checksum];
const changingTcp = [4, 6, 12, tcpChecksum];
const changingUdp = [udpLength, udpChecksum];

export function startSplit(packet: DataView, at: number, layout: Layout): Split {
  const { protocol, ipHeader, headers } = layout;
  const own = at + ipHeader;
  let ipSum = sumWords(packet, at, ipHeader);
  for (const offset of changingIp) ipSum += 0xffff - packet.getUint16(at + offset);
  let sum = sumWords(packet, at + field.source, 8) + protocol;
  sum += sumWords(packet, own, headers - ipHeader);
  for (const offset of protocol === tcp ? changingTcp : changingUdp)
    sum += 0xffff - packet.getUint16(own + offset);
  const isTcp = protocol === tcp;
  return {
    layout,
    ipSum: fold(ipSum),
    sum: fold(sum),
    id: packet.getUint16(at + field.id),
    sequence: isTcp ? packet.getUint32(own + 4) : 0,
    bits: isTcp ? packet.getUint16(own + 12) : 0,
  };
}

const copyWords = (from: DataView, at: number, target: DataView, to: number, length: number): void => {
  for (let each = 0; each < length; each += 4)
    target.setInt32(to + each, from.getInt32(at + each, true), true);
};

/** Writes the headers of one segment of a packet, checksums and all; its payload stays where it is. Returns its length. */
export function writeSegment(
  packet: DataView,
  at: number,
  { layout, ipSum, sum, id: firstId, sequence: first, bits: allBits }: Split,
  size: number,
  index: number,
  target: DataView,
  to: number,
  sumOf: Sum = sumWords,
): number {
  const { protocol, ipHeader, headers, payload } = layout;
  const offset = index * size;
  const length = Math.min(size, payload - offset);
  const total = headers + length;
  const behind = total - ipHeader;
  const id = (firstId + index) & 0xffff;
  const own = to + ipHeader;
  copyWords(packet, at, target, to, headers);
  target.setUint16(to + field.length, total);
  target.setUint16(to + field.id, id);
  target.setUint16(to + field.checksum, ~fold(ipSum + total + id));
  const data = sumOf(packet, at + headers + offset, length);
  if (protocol === udp) {
    target.setUint16(own + udpLength, behind);
    const checksum = ~fold(sum + 2 * behind + data) & 0xffff;
    target.setUint16(own + udpChecksum, checksum === 0 ? 0xffff : checksum);
    return length;
  }
  const sequence = (first + offset) >>> 0;
  // The end of the data is said once, at the end; that the window was reduced, once at the beginning (RFC 3168, 6.1.2).
  let bits = allBits;
  if (offset + length < payload) bits &= ~(flags.fin | flags.push);
  if (index > 0) bits &= ~flags.reduced;
  target.setUint32(own + 4, sequence);
  target.setUint16(own + 12, bits);
  const words = behind + (sequence >>> 16) + (sequence & 0xffff) + bits;
  target.setUint16(own + tcpChecksum, ~fold(sum + words + data));
  return length;
}

/** IPv4 headers of what is merged have no options. */
const plainIpHeader = 20;

/**
 * The layout of a segment or datagram that may be merged with others: without IP options, with data, no flags but ACK and
 * PSH, and with correct checksums, for the kernel takes a merged packet as already checked.
 */
export function mergeable(packet: DataView, at: number, sumOf: Sum = sumWords): Layout | null {
  const layout = layoutOf(packet, at);
  if (layout === null || layout.ipHeader !== plainIpHeader || layout.payload === 0) return null;
  // The merged packet's is made anew, and would make a wrong one right.
  if (sumWords(packet, at, plainIpHeader) !== 0xffff) return null;
  const { protocol, headers, payload } = layout;
  const own = at + plainIpHeader;
  if (protocol === tcp) {
    if ((packet.getUint8(own + 13) & ~flags.push) !== flags.ack) return null;
  } else if (packet.getUint16(own + udpChecksum) === 0) return null;
  const length = headers + payload - plainIpHeader;
  // The addresses are right before the other header: its sum and most of the pseudo header's are one.
  const sum = sumOf(packet, at + field.source, 8 + length) + protocol + length;
  return fold(sum) === 0xffff ? layout : null;
}

const endsRun = (packet: DataView, at: number, { protocol, ipHeader }: Layout): boolean =>
  protocol === tcp && (packet.getUint8(at + ipHeader + 13) & flags.push) !== 0;

/** A run of segments that become one packet: the first one's place, and how much data there is so far. */
export interface Run {
  readonly at: number;
  readonly layout: Layout;
  segments: number;
  payload: number;
  /** Whether no more may follow: the last one was shorter, or told to be handed on (PSH). */
  closed: boolean;
}

export const startRun = (packet: DataView, at: number, layout: Layout): Run => ({
  at,
  layout,
  segments: 1,
  payload: layout.payload,
  closed: endsRun(packet, at, layout),
});

/** Whether the next segment continues the run (as the kernel's own tcp_gro_receive decides), and if so, adds it. */
export function joinRun(packet: DataView, run: Run, at: number, layout: Layout): boolean {
  const first = run.layout;
  if (run.closed || layout.headers !== first.headers || layout.payload > first.payload) return false;
  if (first.headers + run.payload + layout.payload > longestPacket) return false;
  const [from, next] = [run.at, at];
  const differs = (offset: number): boolean =>
    packet.getInt32(from + offset) !== packet.getInt32(next + offset);
  // Version, header length and traffic class; TTL and protocol; the flags; both addresses.
  if (packet.getUint16(from) !== packet.getUint16(next)) return false;
  if (packet.getUint16(from + field.ttl) !== packet.getUint16(next + field.ttl)) return false;
  const fragment = packet.getUint16(from + field.fragment);
  if (fragment !== packet.getUint16(next + field.fragment)) return false;
  // A packet that may become fragments keeps its id: the kernel counts on from the first one's.
  const id = (packet.getUint16(from + field.id) + run.segments) & 0xffff;
  if ((fragment & dontFragment) === 0 && packet.getUint16(next + field.id) !== id) return false;
  if (differs(field.source) || differs(field.destination)) return false;
  const own = first.ipHeader;
  // Ports.
  if (differs(own)) return false;
  if (first.protocol === udp) {
    if (run.segments === mostDatagrams) return false;
  } else {
    // The next byte of the stream; the acknowledgement; all flags but PSH; the window; the options.
    const expected = (packet.getUint32(from + own + 4) + run.payload) >>> 0;
    if (packet.getUint32(next + own + 4) !== expected || differs(own + 8)) return false;
    const flagsDiffer = packet.getUint16(from + own + 12) ^ packet.getUint16(next + own + 12);
    if ((flagsDiffer & ~flags.push) !== 0) return false;
    if (packet.getUint16(from + own + 14) !== packet.getUint16(next + own + 14)) return false;
    for (let offset = own + minimumTcpHeader; offset < first.headers; offset += 4)
      if (differs(offset)) return false;
  }
  run.segments += 1;
  run.payload += layout.payload;
  run.closed = layout.payload < first.payload || endsRun(packet, at, layout);
  return true;
}

/** Writes the virtio header of a packet that is whole: nothing is asked of the kernel. */
export function writePlainVirtio(target: DataView, to: number): void {
  for (let offset = 0; offset < virtioHeader; offset += 2) target.setUint16(to + offset, 0);
}

/** Writes the virtio header and the packet's headers of a run of two segments or more. Returns the length of both. */
export function writeMerged(
  packet: DataView,
  { at, layout, payload }: Pick<Run, 'at' | 'layout' | 'payload'>,
  last: number,
  target: DataView,
  to: number,
): number {
  const { protocol, ipHeader, headers } = layout;
  target.setUint8(to, needsChecksum);
  target.setUint8(to + 1, protocol === tcp ? tcpSegments : udpDatagrams);
  target.setUint16(to + 2, headers, true);
  target.setUint16(to + 4, layout.payload, true);
  target.setUint16(to + 6, ipHeader, true);
  target.setUint16(to + 8, protocol === tcp ? tcpChecksum : udpChecksum, true);
  const start = to + virtioHeader;
  copyWords(packet, at, target, start, headers);
  target.setUint16(start + field.length, headers + payload);
  sealHeader(target, start, ipHeader);
  // The kernel wants the pseudo header's sum here and finishes it when it splits the packet or checks it.
  const behind = headers - ipHeader + payload;
  const sum = fold(sumWords(packet, at + field.source, 8) + protocol + behind);
  const own = start + ipHeader;
  if (protocol === tcp) {
    target.setUint8(own + 13, packet.getUint8(last + ipHeader + 13));
    target.setUint16(own + tcpChecksum, sum);
  } else {
    target.setUint16(own + udpLength, behind);
    target.setUint16(own + udpChecksum, sum);
  }
  return virtioHeader + headers;
}
