/* IPv4 packets in buffers (RFC 791): everything that flannel's udp proxy does to one, as functions over `DataView`s. `at` is the packet's first byte. */

/** Offsets of the IPv4 header's fields. */
export const field = {
  length: 2,
  id: 4,
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
 * Checks `length` bytes of a buffer. A datagram may be longer than its packet says, for the kernel ignores what follows;
 * one that is shorter was truncated.
 */
export function flawOf(packet: DataView, length: number, at = 0): Flaw | null {
  if (length < minimumHeader) return 'too-short';
  const first = packet.getUint8(at);
  if (first >> 4 !== 4) return 'not-ipv4';
  const header = (first & 15) * 4;
  const total = packet.getUint16(at + field.length);
  return header < minimumHeader || total < header || total > length ? 'bad-length' : null;
}

export const sourceOf = (packet: DataView, at = 0): number => packet.getUint32(at + field.source);
export const destinationOf = (packet: DataView, at = 0): number => packet.getUint32(at + field.destination);
export const protocolOf = (packet: DataView, at = 0): number => packet.getUint8(at + field.protocol);
export const headerLength = (packet: DataView, at = 0): number => (packet.getUint8(at) & 15) * 4;

/** Folds a sum of 16-bit words into one (RFC 1071). */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffffffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  // Whole numbers of 32 bits are faster.
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

/** The sum of the 16-bit words of some bytes; an odd last byte counts as if a zero followed. */
export function sumWords(bytes: DataView, offset: number, length: number): number {
  // All words modulo 2 ** 32, and the upper halves by themselves: the lower halves are what remains. Whole numbers of 32 bits
  // are faster than floating-point ones; both sums are exact for any packet.
  let whole = 0;
  let upper = 0;
  const end = offset + length;
  let at = offset;
  // The sum of 32-bit words folds to the same, and so does one of words whose bytes are swapped, when they are swapped
  // back (RFC 1071, 2): so it is done in the machine's own order, four bytes at a time.
  for (; at + 16 <= end; at += 16) {
    const one = bytes.getInt32(at, true);
    const two = bytes.getInt32(at + 4, true);
    const three = bytes.getInt32(at + 8, true);
    const four = bytes.getInt32(at + 12, true);
    whole = (whole + one + two + three + four) | 0;
    upper = (upper + (one >>> 16) + (two >>> 16) + (three >>> 16) + (four >>> 16)) | 0;
  }
  let sum = ((whole - (upper << 16)) >>> 0) + upper;
  for (; at + 2 <= end; at += 2) sum += bytes.getUint16(at, true);
  if (at < end) sum += bytes.getUint8(at);
  const folded = fold(sum);
  return ((folded & 0xff) << 8) | (folded >> 8);
}

/** The Internet checksum (RFC 1071) of some bytes. */
export const checksum = (bytes: DataView, offset: number, length: number): number =>
  ~sumWords(bytes, offset, length) & 0xffff;

/** Computes the header's checksum anew. */
export function sealHeader(packet: DataView, at: number, header: number): void {
  packet.setUint16(at + field.checksum, 0);
  packet.setUint16(at + field.checksum, checksum(packet, at, header));
}

/**
 * Takes one from the TTL and updates the checksum by the difference (RFC 1624). False when nothing is left of it: the
 * packet is to be dropped without a word, as flannel does.
 */
export function decrementTtl(packet: DataView, at = 0): boolean {
  const ttl = packet.getUint8(at + field.ttl);
  if (ttl <= 1) return false;
  packet.setUint8(at + field.ttl, ttl - 1);
  // The TTL is the high byte of its word: the sum has 0x100 less, so its complement has 0x100 more, end-around. 0xffff
  // stands for zero as well and is never a checksum's value (RFC 1624, 3).
  const sum = packet.getUint16(at + field.checksum) + 0x100;
  packet.setUint16(at + field.checksum, sum >= 0xffff ? (sum + 1) & 0xffff : sum);
  return true;
}

/**
 * The "destination network unreachable" for a packet that has no route (RFC 792), as flannel's proxy writes it: from the
 * TUN's own address with TTL 8, quoting the header and eight bytes. Null when none may be sent: about ICMP itself, or
 * about a fragment other than the first (RFC 1122, 3.2.2).
 */
export function networkUnreachable(
  packet: DataView,
  length: number,
  tunAddress: number,
  at = 0,
): Uint8Array | null {
  if (packet.getUint8(at + field.protocol) === icmp) return null;
  if ((packet.getUint16(at + field.fragment) & 0x1fff) !== 0) return null;
  const quoted = Math.min(headerLength(packet, at) + 8, length);
  const reply = new Uint8Array(minimumHeader + icmpHeader + quoted);
  const view = new DataView(reply.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(field.length, reply.length);
  view.setUint8(field.ttl, 8);
  view.setUint8(field.protocol, icmp);
  view.setUint32(field.source, tunAddress);
  view.setUint32(field.destination, sourceOf(packet, at));
  sealHeader(view, 0, minimumHeader);
  view.setUint8(minimumHeader, 3);
  reply.set(new Uint8Array(packet.buffer, packet.byteOffset + at, quoted), minimumHeader + icmpHeader);
  view.setUint16(minimumHeader + 2, checksum(view, minimumHeader, icmpHeader + quoted));
  return reply;
}
