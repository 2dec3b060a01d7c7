import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksum, decrementTtl, destinationOf, flawOf, headerLength, networkUnreachable } from './packet.ts';

/** A well-formed packet with a correct header checksum. */
const packets = fc
  .record({
    words: fc.integer({ min: 5, max: 15 }),
    payload: fc.uint8Array({ maxLength: 64, size: 'max' }),
    ttl: fc.integer({ min: 0, max: 255 }),
    protocol: fc.constantFrom(1, 6, 17, 50),
    fragment: fc.constantFrom(0, 0x4000, 0x2000, 0x2001, 0x1fff),
    source: fc.integer({ min: 0, max: 0xffffffff }),
    destination: fc.integer({ min: 0, max: 0xffffffff }),
    id: fc.integer({ min: 0, max: 0xffff }),
    options: fc.uint8Array({ minLength: 40, maxLength: 40 }),
  })
  .map(({ words, payload, ttl, protocol, fragment, source, destination, id, options }) => {
    const header = words * 4;
    const bytes = new Uint8Array(header + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x40 | words);
    view.setUint16(2, bytes.length);
    view.setUint16(4, id);
    view.setUint16(6, fragment);
    view.setUint8(8, ttl);
    view.setUint8(9, protocol);
    view.setUint32(12, source);
    view.setUint32(16, destination);
    bytes.set(options.subarray(0, header - 20), 20);
    view.setUint16(10, checksum(view, 0, header));
    bytes.set(payload, header);
    return view;
  });

const bytesOf = (view: DataView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** RFC 1071 in another way, so as not to test the function with itself: whole sum modulo 0xffff. */
function sums(bytes: Uint8Array): boolean {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte * 256 : byte;
  return sum > 0 && sum % 0xffff === 0;
}

test('a checksum makes the sum of all words zero', () => {
  // The example of RFC 1071, 3: ddf2 is the sum, so 220d its complement.
  const example = new DataView(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7).buffer);
  expect(checksum(example, 0, 8)).toBe(0x220d);
  fc.assert(fc.property(packets, (packet) => sums(bytesOf(packet).subarray(0, headerLength(packet)))));
});

test('decrementing the TTL keeps the checksum valid and changes nothing else', () => {
  fc.assert(
    fc.property(packets, (packet) => {
      const before = Uint8Array.from(bytesOf(packet));
      const kept = decrementTtl(packet);
      expect(kept).toBe((before[8] ?? 0) > 1);
      if (!kept) return;
      const after = bytesOf(packet);
      expect(after[8]).toBe((before[8] ?? 0) - 1);
      expect(sums(after.subarray(0, headerLength(packet)))).toBe(true);
      const others = (bytes: Uint8Array) => [...bytes].filter((_, at) => at !== 8 && at !== 10 && at !== 11);
      expect(others(after)).toEqual(others(before));
      // The same as computing it anew, which is never 0xffff (RFC 1624, 3).
      const updated = packet.getUint16(10);
      packet.setUint16(10, 0);
      expect(updated).toBe(checksum(packet, 0, headerLength(packet)));
    }),
    { numRuns: 500 },
  );
});

test('every checksum word survives a decrement', () => {
  const bytes = new Uint8Array(20);
  const packet = new DataView(bytes.buffer);
  for (let id = 0; id <= 0xffff; id += 1) {
    packet.setUint8(0, 0x45);
    packet.setUint16(2, 20);
    packet.setUint16(4, id);
    packet.setUint8(8, 64);
    packet.setUint16(10, 0);
    packet.setUint16(10, checksum(packet, 0, 20));
    decrementTtl(packet);
    const updated = packet.getUint16(10);
    packet.setUint16(10, 0);
    if (checksum(packet, 0, 20) !== updated) expect([id, updated]).toEqual([id, checksum(packet, 0, 20)]);
  }
});

test('a flaw is found in whatever isn’t a whole IPv4 packet, and none in one that is', () => {
  fc.assert(
    fc.property(packets, fc.nat(100), (packet, extra) => {
      const { byteLength } = packet;
      expect(flawOf(packet, byteLength)).toBe(null);
      expect(flawOf(packet, byteLength + extra)).toBe(null);
      expect(flawOf(packet, byteLength - 1)).toBe(byteLength === 20 ? 'too-short' : 'bad-length');
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 80, size: 'max' }), (bytes) => {
      const packet = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (flawOf(packet, bytes.length) !== null) return;
      // Whatever passes can be read without leaving the buffer.
      expect(headerLength(packet)).toBeLessThanOrEqual(bytes.length);
      destinationOf(packet);
      decrementTtl(packet);
      networkUnreachable(packet, bytes.length, 1);
    }),
    { numRuns: 2000 },
  );
  const version6 = new DataView(new Uint8Array(40).fill(0x60).buffer);
  expect(flawOf(version6, 40)).toBe('not-ipv4');
});

test('network unreachable quotes the header and eight bytes, and never answers ICMP or later fragments', () => {
  const tun = 0x0a050100;
  fc.assert(
    fc.property(packets, (packet) => {
      const reply = networkUnreachable(packet, packet.byteLength, tun);
      const forbidden = packet.getUint8(9) === 1 || (packet.getUint16(6) & 0x1fff) !== 0;
      expect(reply === null).toBe(forbidden);
      if (reply === null) return;
      const view = new DataView(reply.buffer);
      const quoted = Math.min(headerLength(packet) + 8, packet.byteLength);
      expect(flawOf(view, reply.length)).toBe(null);
      expect(reply.length).toBe(28 + quoted);
      expect([...reply.subarray(28)]).toEqual([...bytesOf(packet).subarray(0, quoted)]);
      expect([reply[20], reply[21]]).toEqual([3, 0]);
      expect([view.getUint8(8), view.getUint8(9), view.getUint32(12)]).toEqual([8, 1, tun]);
      expect(view.getUint32(16)).toBe(packet.getUint32(12));
      expect(sums(reply.subarray(0, 20))).toBe(true);
      expect(sums(reply.subarray(20))).toBe(true);
    }),
  );
});
