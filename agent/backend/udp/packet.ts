/* IPv4 packets in buffers (RFC 791): everything that flannel's udp proxy does to one, as pure functions. */

/** Offsets of the IPv4 header's fields. */
const field = {
  length: 2,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;

const minimumHeader = 20;
const icmp = 1;
const icmpHeader = 8;

/** Why a buffer isn't a packet that we carry; null when it is. */
export type Flaw = 'too-short' | 'not-ipv4' | 'bad-length';

/**
 * Checks the first `length` bytes of a buffer. A datagram may be longer than its packet says, for the kernel ignores
 * what follows; one that is shorter was truncated.
 */
export function flawOf(packet: DataView, length: number): Flaw | null {
  if (length < minimumHeader) return 'too-short';
  const first = packet.getUint8(0);
  if (first >> 4 !== 4) return 'not-ipv4';
  const header = (first & 15) * 4;
  const total = packet.getUint16(field.length);
  return header < minimumHeader || total < header || total > length ? 'bad-length' : null;
}

export const sourceOf = (packet: DataView): number => packet.getUint32(field.source);
export const destinationOf = (packet: DataView): number => packet.getUint32(field.destination);
export const headerLength = (packet: DataView): number => (packet.getUint8(0) & 15) * 4;

/** The Internet checksum (RFC 1071) of some bytes; an odd last byte counts as if a zero followed. */
export function checksum(bytes: DataView, offset: number, length: number): number {
  let sum = 0;
  const end = offset + length;
  for (let at = offset; at + 1 < end; at += 2) sum += bytes.getUint16(at);
  if (length % 2 === 1) sum += bytes.getUint8(end - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/**
 * Takes one from the TTL and updates the checksum by the difference (RFC 1624). False when nothing is left of it: the
 * packet is to be dropped without a word, as flannel does.
 */
export function decrementTtl(packet: DataView): boolean {
  const ttl = packet.getUint8(field.ttl);
  if (ttl <= 1) return false;
  packet.setUint8(field.ttl, ttl - 1);
  // The TTL is the high byte of its word: the sum has 0x100 less, so its complement has 0x100 more, end-around. 0xffff
  // stands for zero as well and is never a checksum's value (RFC 1624, 3).
  const sum = packet.getUint16(field.checksum) + 0x100;
  packet.setUint16(field.checksum, sum >= 0xffff ? (sum + 1) & 0xffff : sum);
  return true;
}

/**
 * The "destination network unreachable" for a packet that has no route (RFC 792), as flannel's proxy writes it: from the
 * TUN's own address with TTL 8, quoting the header and eight bytes. Null when none may be sent: about ICMP itself, or
 * about a fragment other than the first (RFC 1122, 3.2.2).
 */
export function networkUnreachable(packet: DataView, length: number, tunAddress: number): Uint8Array | null {
  if (packet.getUint8(field.protocol) === icmp) return null;
  if ((packet.getUint16(field.fragment) & 0x1fff) !== 0) return null;
  const quoted = Math.min(headerLength(packet) + 8, length);
  const reply = new Uint8Array(minimumHeader + icmpHeader + quoted);
  const view = new DataView(reply.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(field.length, reply.length);
  view.setUint8(field.ttl, 8);
  view.setUint8(field.protocol, icmp);
  view.setUint32(field.source, tunAddress);
  view.setUint32(field.destination, sourceOf(packet));
  view.setUint16(field.checksum, checksum(view, 0, minimumHeader));
  view.setUint8(minimumHeader, 3);
  reply.set(new Uint8Array(packet.buffer, packet.byteOffset, quoted), minimumHeader + icmpHeader);
  view.setUint16(minimumHeader + 2, checksum(view, minimumHeader, icmpHeader + quoted));
  return reply;
}
