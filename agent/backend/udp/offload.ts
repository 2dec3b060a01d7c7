import { field, fold, headerLength, sealHeader, sumWords } from './packet.ts';

/*
 * TCP segments as the kernel hands them to a TUN device with offloads: many of one flow as a single packet. Going out it is
 * split, so that each datagram is a plain packet as flannel sends it; coming in, a run of segments becomes one again.
 */

/** struct virtio_net_hdr (linux/virtio_net.h), in the machine's byte order, which is little-endian wherever Node.js runs. */
export const virtioHeader = 10;
const needsChecksum = 1;
const noSegments = 0;
const tcpSegments = 1;

const tcp = 6;
const tcpChecksum = 16;
const minimumTcpHeader = 20;
/** An IPv4 header with a TCP header is never longer. */
export const longestHeaders = 120;
const longestPacket = 65535;

const flags = { fin: 0x01, push: 0x08, ack: 0x10, reduced: 0x80 } as const;

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
  if (type !== noSegments && type !== tcpSegments) return null;
  const start = bytes.getUint16(at + 6, true);
  const partial =
    (bytes.getUint8(at) & needsChecksum) === 0
      ? null
      : { start, field: start + bytes.getUint16(at + 8, true) };
  return { segment: type === tcpSegments ? bytes.getUint16(at + 4, true) : 0, partial };
}

/** Finishes the checksum of a whole packet, in whose field the kernel has left the pseudo header's sum. */
export function finishChecksum(packet: DataView, at: number, length: number, { partial }: Virtio): void {
  if (partial === null || partial.start >= length || partial.field + 2 > length) return;
  const sum = ~sumWords(packet, at + partial.start, length - partial.start) & 0xffff;
  // UDP says "no checksum" by 0, so its sum of 0 is written as all ones (RFC 768); for TCP both are the same.
  packet.setUint16(at + partial.field, sum === 0 ? 0xffff : sum);
}

/** The sum of TCP's pseudo header (RFC 9293, 3.1). */
const pseudoSum = (packet: DataView, at: number, length: number): number =>
  sumWords(packet, at + field.source, 8) + tcp + length;

/** Where the parts of a packet of TCP are. */
export interface TcpLayout {
  readonly ipHeader: number;
  /** Both headers. */
  readonly headers: number;
  readonly payload: number;
}

/** The layout of a packet that `flawOf` found no flaw in; null when it isn't one of TCP, or is a fragment. */
export function tcpLayout(packet: DataView, at: number): TcpLayout | null {
  if (packet.getUint8(at + field.protocol) !== tcp) return null;
  if ((packet.getUint16(at + field.fragment) & 0x3fff) !== 0) return null;
  const ipHeader = headerLength(packet, at);
  const total = packet.getUint16(at + field.length);
  if (total < ipHeader + minimumTcpHeader) return null;
  const tcpHeader = (packet.getUint8(at + ipHeader + 12) >> 4) * 4;
  const headers = ipHeader + tcpHeader;
  if (tcpHeader < minimumTcpHeader || headers > total) return null;
  return { ipHeader, headers, payload: total - headers };
}

export const segmentCount = ({ payload }: TcpLayout, size: number): number => Math.ceil(payload / size);

/** Writes the headers of one segment of a packet, checksums and all; its payload stays where it is. Resolves to its length. */
export function writeSegment(
  packet: DataView,
  at: number,
  layout: TcpLayout,
  size: number,
  index: number,
  target: DataView,
  to: number,
): number {
  const { ipHeader, headers } = layout;
  const offset = index * size;
  const length = Math.min(size, layout.payload - offset);
  for (let each = 0; each < headers; each += 4) target.setUint32(to + each, packet.getUint32(at + each));
  target.setUint16(to + field.length, headers + length);
  target.setUint16(to + field.id, (packet.getUint16(at + field.id) + index) & 0xffff);
  sealHeader(target, to, ipHeader);
  const tcpAt = to + ipHeader;
  target.setUint32(tcpAt + 4, (packet.getUint32(at + ipHeader + 4) + offset) >>> 0);
  // The end of the data is said once, at the end; that the window was reduced, once at the beginning (RFC 3168, 6.1.2).
  let bits = packet.getUint8(at + ipHeader + 13);
  if (offset + length < layout.payload) bits &= ~(flags.fin | flags.push);
  if (index > 0) bits &= ~flags.reduced;
  target.setUint8(tcpAt + 13, bits);
  target.setUint16(tcpAt + tcpChecksum, 0);
  const tcpHeader = headers - ipHeader;
  const sum =
    pseudoSum(target, to, tcpHeader + length) +
    sumWords(target, tcpAt, tcpHeader) +
    sumWords(packet, at + headers + offset, length);
  target.setUint16(tcpAt + tcpChecksum, ~fold(sum) & 0xffff);
  return length;
}

/**
 * The layout of a segment that may be merged with others: without IP options, with data, no flags but ACK and PSH, and with a
 * correct checksum, for the kernel takes a merged packet as already checked.
 */
export function mergeable(packet: DataView, at: number): TcpLayout | null {
  const layout = tcpLayout(packet, at);
  if (layout === null || layout.ipHeader !== 20 || layout.payload === 0) return null;
  const bits = packet.getUint8(at + layout.ipHeader + 13);
  if ((bits & ~flags.push) !== flags.ack) return null;
  const length = layout.headers + layout.payload - layout.ipHeader;
  const sum = pseudoSum(packet, at, length) + sumWords(packet, at + layout.ipHeader, length);
  return fold(sum) === 0xffff ? layout : null;
}

const hasPush = (packet: DataView, at: number, { ipHeader }: TcpLayout): boolean =>
  (packet.getUint8(at + ipHeader + 13) & flags.push) !== 0;

/** A run of segments that become one packet: the first one's place, and how much data there is so far. */
export interface Run {
  readonly at: number;
  readonly layout: TcpLayout;
  segments: number;
  payload: number;
  /** Whether no more may follow: the last one was shorter, or told to be handed on (PSH). */
  closed: boolean;
}

export const startRun = (packet: DataView, at: number, layout: TcpLayout): Run => ({
  at,
  layout,
  segments: 1,
  payload: layout.payload,
  closed: hasPush(packet, at, layout),
});

/** Whether the next segment continues the run (as the kernel's own tcp_gro_receive decides), and if so, adds it. */
export function joinRun(packet: DataView, run: Run, at: number, layout: TcpLayout): boolean {
  const first = run.layout;
  if (run.closed || layout.headers !== first.headers || layout.payload > first.payload) return false;
  if (first.headers + run.payload + layout.payload > longestPacket) return false;
  const [from, next] = [run.at, at];
  const differs = (offset: number): boolean =>
    packet.getUint32(from + offset) !== packet.getUint32(next + offset);
  // Version, header length and traffic class; TTL and protocol; the flags; both addresses.
  if (packet.getUint16(from) !== packet.getUint16(next)) return false;
  if (packet.getUint16(from + field.ttl) !== packet.getUint16(next + field.ttl)) return false;
  if (packet.getUint16(from + field.fragment) !== packet.getUint16(next + field.fragment)) return false;
  if (differs(field.source) || differs(field.destination)) return false;
  // Ports; the next byte of the stream; the acknowledgement; the window and all flags but PSH; the options.
  const tcpAt = first.ipHeader;
  if (differs(tcpAt) || differs(tcpAt + 8)) return false;
  const expected = (packet.getUint32(from + tcpAt + 4) + run.payload) >>> 0;
  if (packet.getUint32(next + tcpAt + 4) !== expected) return false;
  if (packet.getUint16(from + tcpAt + 14) !== packet.getUint16(next + tcpAt + 14)) return false;
  for (let offset = tcpAt + minimumTcpHeader; offset < first.headers; offset += 4)
    if (differs(offset)) return false;
  run.segments += 1;
  run.payload += layout.payload;
  run.closed = layout.payload < first.payload || hasPush(packet, at, layout);
  return true;
}

/** Writes the virtio header of a packet that is whole: nothing is asked of the kernel. */
export function writePlainVirtio(target: DataView, to: number): void {
  for (let offset = 0; offset < virtioHeader; offset += 2) target.setUint16(to + offset, 0);
}

/** Writes the virtio header and the packet's headers of a run of two segments or more. Resolves to the length of both. */
export function writeMerged(packet: DataView, run: Run, last: number, target: DataView, to: number): number {
  const { at, layout, payload } = run;
  const { ipHeader, headers } = layout;
  target.setUint8(to, needsChecksum);
  target.setUint8(to + 1, tcpSegments);
  target.setUint16(to + 2, headers, true);
  target.setUint16(to + 4, layout.payload, true);
  target.setUint16(to + 6, ipHeader, true);
  target.setUint16(to + 8, tcpChecksum, true);
  const start = to + virtioHeader;
  for (let each = 0; each < headers; each += 4) target.setUint32(start + each, packet.getUint32(at + each));
  target.setUint16(start + field.length, headers + payload);
  sealHeader(target, start, ipHeader);
  target.setUint8(start + ipHeader + 13, packet.getUint8(last + ipHeader + 13));
  // The kernel wants the pseudo header's sum here and finishes it when it splits the packet or checks it.
  target.setUint16(start + ipHeader + tcpChecksum, fold(pseudoSum(packet, at, headers - ipHeader + payload)));
  return virtioHeader + headers;
}
