import type { Random } from './random.ts';

/*
 * IPv4 packets, and what becomes of them by the RFCs: written plainly and slowly, to hold the datapath's own code against.
 * A packet begins at the first byte of its array.
 */

export const read16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
export const read32 = (bytes: Uint8Array, at: number): number =>
  read16(bytes, at) * 65536 + read16(bytes, at + 2);
export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, value >>> 16);
  write16(bytes, at + 2, value);
}

export const tcp = 6;
export const udp = 17;

/** The sum of 16-bit words in one's complement (RFC 1071). */
export function slowSum(bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number {
  let sum = start;
  for (let at = from; at < to; at += 2)
    sum += (bytes[at] ?? 0) * 256 + (at + 1 < to ? (bytes[at + 1] ?? 0) : 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

export const headerOf = (bytes: Uint8Array): number => ((bytes[0] ?? 0) & 15) * 4;
const pseudo = (bytes: Uint8Array, length: number): number =>
  slowSum(bytes, 12, 20, (bytes[9] ?? 0) + length);
/** Where TCP or UDP has its checksum. */
const checksumAt = (bytes: Uint8Array): number => headerOf(bytes) + (bytes[9] === tcp ? 16 : 6);

export function sealIp(bytes: Uint8Array): void {
  write16(bytes, 10, 0);
  write16(bytes, 10, ~slowSum(bytes, 0, headerOf(bytes)) & 0xffff);
}
/** Whether the header's checksum is right (a sum of nothing but zeros is none). */
export const isIpSealed = (bytes: Uint8Array): boolean => slowSum(bytes, 0, headerOf(bytes)) === 0xffff;

export function sealTransport(bytes: Uint8Array): void {
  const [at, length] = [headerOf(bytes), bytes.length - headerOf(bytes)];
  write16(bytes, checksumAt(bytes), 0);
  const sum = ~slowSum(bytes, at, bytes.length, pseudo(bytes, length)) & 0xffff;
  write16(bytes, checksumAt(bytes), sum === 0 && bytes[9] === udp ? 0xffff : sum);
}
export const isTransportSealed = (bytes: Uint8Array): boolean =>
  slowSum(bytes, headerOf(bytes), bytes.length, pseudo(bytes, bytes.length - headerOf(bytes))) === 0xffff;

/** Whether these bytes begin with a whole packet (RFC 791), which may be followed by more. */
export function isWhole(bytes: Uint8Array): boolean {
  const header = headerOf(bytes);
  const total = read16(bytes, 2);
  return (
    bytes.length >= 20 &&
    (bytes[0] ?? 0) >> 4 === 4 &&
    header >= 20 &&
    total >= header &&
    total <= bytes.length
  );
}

export interface Flow {
  readonly source: number;
  readonly destination: number;
}

/** What one flow of a transport has in common. */
export interface PacketWish extends Flow {
  readonly protocol: number;
  readonly options: number;
  readonly tcpOptions: number;
  readonly fragment: number;
  readonly service: number;
  readonly ttl: number;
  readonly ports: number;
}

const protocols = [tcp, tcp, tcp, udp, udp, 1, 50] as const;
const tcpOptions = [0, 12, 12, 40] as const;
const fragments = [0x4000, 0x4000, 0x4000, 0, 0x2000, 0x2001, 0x1fff, 0x8000] as const;
const services = [0, 0, 1, 2, 3, 0xb8] as const;
const ttls = [64, 64, 63, 255, 2, 1, 0] as const;

export const wishOf = (random: Random, { source, destination }: Flow): PacketWish => ({
  source,
  destination,
  protocol: random.pick(protocols),
  options: random.chance(0.9) ? 0 : 4 * random.between(1, 10),
  tcpOptions: random.pick(tcpOptions),
  fragment: random.pick(fragments),
  service: random.pick(services),
  ttl: random.pick(ttls),
  ports: random.word(),
});

/** A whole packet with right checksums and `payload` bytes behind its headers. */
export function buildPacket(
  random: Random,
  wish: PacketWish,
  payload: number,
  id: number,
  sequence: number,
  bits: number,
): Uint8Array {
  const header = 20 + wish.options;
  const transport = wish.protocol === tcp ? 20 + wish.tcpOptions : 8;
  const bytes = new Uint8Array(header + transport + payload);
  bytes[0] = 0x40 | (header / 4);
  bytes[1] = wish.service;
  write16(bytes, 2, bytes.length & 0xffff);
  write16(bytes, 4, id & 0xffff);
  write16(bytes, 6, wish.fragment);
  bytes[8] = wish.ttl;
  bytes[9] = wish.protocol;
  write32(bytes, 12, wish.source);
  write32(bytes, 16, wish.destination);
  // Of options and data the first bytes tell the packets apart; random bytes for all of them would be most of the work.
  bytes.fill(0x5a ^ (id & 0xff), 20, header);
  write32(bytes, header, wish.ports);
  if (wish.protocol === tcp) {
    write32(bytes, header + 4, sequence >>> 0);
    write32(bytes, header + 8, 0x01020304);
    bytes[header + 12] = (transport / 4) << 4;
    bytes[header + 13] = bits;
    write16(bytes, header + 14, 501);
    bytes.fill(1, header + 20, header + transport);
  } else if (wish.protocol === udp) write16(bytes, header + 4, 8 + payload);
  for (let at = header + transport; at < bytes.length; at += 1) bytes[at] = (sequence + at) & 0xff;
  if (payload > 4) bytes.set(random.bytes(4), header + transport);
  sealIp(bytes);
  if (wish.protocol === tcp || wish.protocol === udp) sealTransport(bytes);
  return bytes;
}

/** How much the headers of TCP or UDP are together with IP's; null for another protocol or a header that doesn't fit. */
export function headersOf(bytes: Uint8Array): number | null {
  const header = headerOf(bytes);
  if (bytes[9] === udp) return header + 8 <= bytes.length ? header + 8 : null;
  if (bytes[9] !== tcp || header + 20 > bytes.length) return null;
  const transport = ((bytes[header + 12] ?? 0) >> 4) * 4;
  return transport >= 20 && header + transport <= bytes.length ? header + transport : null;
}

/**
 * What the kernel makes of one packet that stands for many (inet_gso_segment, tcp_gso_segment, __udp_gso_segment): packets
 * with `size` bytes of payload each, but the last.
 */
export function segmentsOf(packet: Uint8Array, size: number): Uint8Array[] {
  const headers = headersOf(packet);
  if (headers === null) throw new Error('this can not be split');
  const header = headerOf(packet);
  const segments: Uint8Array[] = [];
  for (let at = headers, index = 0; at < packet.length; at += size, index += 1) {
    const data = packet.subarray(at, at + size);
    const segment = new Uint8Array(headers + data.length);
    segment.set(packet.subarray(0, headers));
    segment.set(data, headers);
    write16(segment, 2, segment.length);
    write16(segment, 4, (read16(packet, 4) + index) & 0xffff);
    if (packet[9] === tcp) {
      write32(segment, header + 4, (read32(packet, header + 4) + at - headers) >>> 0);
      const isLast = at + size >= packet.length;
      segment[header + 13] =
        (packet[header + 13] ?? 0) & (isLast ? 0xff : ~0x09) & (index === 0 ? 0xff : ~0x80);
    } else write16(segment, header + 4, segment.length - header);
    sealIp(segment);
    sealTransport(segment);
    segments.push(segment);
  }
  return segments;
}

/** One hop further: the TTL one less, and the checksum by as much more (RFC 1624), right or wrong as it was. */
export function hop(packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  bytes[8] = (bytes[8] ?? 0) - 1;
  const sum = read16(bytes, 10) + 0x100;
  write16(bytes, 10, sum >= 0xffff ? (sum + 1) & 0xffff : sum);
  return bytes;
}

export const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
