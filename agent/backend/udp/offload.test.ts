import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  finishChecksum,
  joinRun,
  layoutOf,
  longestHeaders,
  mergeable,
  readVirtio,
  segmentCount,
  startRun,
  startSplit,
  virtioHeader,
  writeMerged,
  writeSegment,
} from './offload.ts';
import { checksum, flawOf, sealHeader } from './packet.ts';

/** A packet of TCP with options, without checksums. */
const packets = fc
  .record({
    options: fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => bytes.subarray(0, bytes.length - (bytes.length % 4))),
    payload: fc.uint8Array({ minLength: 1, maxLength: 3000, size: 'max' }),
    sequence: fc.integer({ min: 0, max: 0xffffffff }),
    acknowledged: fc.integer({ min: 0, max: 0xffffffff }),
    id: fc.integer({ min: 0, max: 0xffff }),
    bits: fc.constantFrom(0x10, 0x18, 0x11, 0x90, 0x98),
    source: fc.integer({ min: 0, max: 0xffffffff }),
  })
  .map(({ options, payload, sequence, acknowledged, id, bits, source }) => {
    const headers = 40 + options.length;
    const bytes = new Uint8Array(headers + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x45);
    view.setUint16(2, bytes.length);
    view.setUint16(4, id);
    view.setUint16(6, 0x4000);
    view.setUint8(8, 63);
    view.setUint8(9, 6);
    view.setUint32(12, source);
    view.setUint32(16, 0x0a050202);
    view.setUint32(20, 0x12345678);
    view.setUint32(24, sequence);
    view.setUint32(28, acknowledged);
    view.setUint8(32, (headers - 20) * 4);
    view.setUint8(33, bits);
    view.setUint16(34, 501);
    bytes.set(options, 40);
    bytes.set(payload, headers);
    sealHeader(view, 0, 20);
    return view;
  });
const sizes = fc.integer({ min: 200, max: 1432 });

/** All segments of a packet as packets of their own, one after the other, with their places. */
function split(packet: DataView, size: number): { bytes: DataView; places: number[] } {
  const layout = layoutOf(packet, 0);
  if (layout === null) throw new Error('not TCP');
  const count = segmentCount(layout, size);
  const common = startSplit(packet, 0, layout);
  const bytes = new Uint8Array(count * (longestHeaders + size));
  const target = new DataView(bytes.buffer);
  const places: number[] = [];
  let to = 0;
  for (let index = 0; index < count; index += 1) {
    const length = writeSegment(packet, 0, common, size, index, target, to);
    const from = layout.headers + index * size;
    bytes.set(new Uint8Array(packet.buffer, from, length), to + layout.headers);
    places.push(to);
    to += layout.headers + length;
  }
  return { bytes: target, places };
}

/** Whether the TCP checksum is right, computed on a copy with the pseudo header in front. */
function tcpSums(view: DataView, at: number): boolean {
  const total = view.getUint16(at + 2);
  const copy = new Uint8Array(12 + total - 20);
  copy.set(new Uint8Array(view.buffer, at + 12, 8));
  copy[9] = 6;
  new DataView(copy.buffer).setUint16(10, total - 20);
  copy.set(new Uint8Array(view.buffer, at + 20, total - 20), 12);
  return checksum(new DataView(copy.buffer), 0, copy.length) === 0;
}

test('a packet splits into whole segments with right checksums, and its data stays in order', () => {
  fc.assert(
    fc.property(packets, sizes, (packet, size) => {
      const { bytes, places } = split(packet, size);
      const data: number[] = [];
      for (const [index, at] of places.entries()) {
        const total = bytes.getUint16(at + 2);
        expect(flawOf(bytes, total, at)).toBe(null);
        expect(checksum(bytes, at, 20)).toBe(0);
        expect(tcpSums(bytes, at)).toBe(true);
        const headers = 20 + (bytes.getUint8(at + 32) >> 4) * 4;
        expect(bytes.getUint32(at + 24)).toBe((packet.getUint32(24) + data.length) >>> 0);
        expect(bytes.getUint16(at + 4)).toBe((packet.getUint16(4) + index) % 0x10000);
        const isLast = index === places.length - 1;
        expect(total - headers === size || isLast).toBe(true);
        const bits = packet.getUint8(33) & (isLast ? 0xff : ~0x09) & (index === 0 ? 0xff : ~0x80);
        expect(bytes.getUint8(at + 33)).toBe(bits);
        data.push(...new Uint8Array(bytes.buffer, at + headers, total - headers));
      }
      const headers = 20 + (packet.getUint8(32) >> 4) * 4;
      expect(Buffer.from(data).equals(Buffer.from(packet.buffer, headers))).toBe(true);
    }),
  );
});

test('segments merge to the packet that they were split from, and the kernel’s part of its checksum is right', () => {
  fc.assert(
    fc.property(packets, sizes, (packet, size) => {
      const { bytes, places } = split(packet, size);
      const [first = 0, ...others] = places;
      const layout = mergeable(bytes, first);
      // FIN and CWR are handed on as they came.
      const plain = (packet.getUint8(33) & 0x81) === 0;
      if (!plain && places.length === 1) expect(layout).toBe(null);
      if (layout === null || !plain || others.length === 0) return;
      const run = startRun(bytes, first, layout);
      for (const at of others) {
        const next = mergeable(bytes, at);
        expect(next !== null && joinRun(bytes, run, at, next)).toBe(true);
      }
      const target = new DataView(new ArrayBuffer(virtioHeader + longestHeaders));
      const length = writeMerged(bytes, run, others.at(-1) ?? 0, target, 0);
      expect(length).toBe(virtioHeader + layout.headers);
      const virtio = readVirtio(target, 0);
      expect(virtio).toEqual({ segment: Math.min(size, layout.payload), partial: { start: 20, field: 36 } });
      if (virtio === null) return;
      const merged = new Uint8Array(packet.byteLength);
      merged.set(new Uint8Array(target.buffer, virtioHeader, layout.headers));
      merged.set(new Uint8Array(packet.buffer, layout.headers), layout.headers);
      const view = new DataView(merged.buffer);
      expect(checksum(view, 0, 20)).toBe(0);
      finishChecksum(view, 0, merged.length, virtio);
      expect(tcpSums(view, 0)).toBe(true);
      const without = (each: DataView) =>
        [...new Uint8Array(each.buffer)].filter((_, at) => at !== 36 && at !== 37);
      expect(without(view)).toEqual(without(packet));
    }),
  );
});

test('what differs in any header byte is not merged, and a wrong checksum never is', () => {
  fc.assert(
    fc.property(packets, fc.nat(59), fc.integer({ min: 1, max: 255 }), (packet, offset, change) => {
      packet.setUint8(33, 0x10);
      const { bytes, places } = split(packet, Math.ceil((packet.byteLength - 40) / 3));
      const [first = 0, second] = places;
      const layout = mergeable(bytes, first);
      if (layout === null || second === undefined || offset >= layout.headers) return;
      bytes.setUint8(second + offset, bytes.getUint8(second + offset) ^ change);
      // The changed packet as its sender would have written it, but for the length fields and the checksums themselves.
      if ([0, 2, 3, 10, 11, 32, 36, 37].includes(offset)) return;
      const isAddress = offset >= 12 || offset === 9;
      if (isAddress) expect(mergeable(bytes, second)).toBe(null);
      sealHeader(bytes, second, 20);
      bytes.setUint16(second + 36, 0);
      const total = bytes.getUint16(second + 2);
      const copy = new Uint8Array(12 + total - 20);
      copy.set(new Uint8Array(bytes.buffer, second + 12, 8));
      copy[9] = 6;
      new DataView(copy.buffer).setUint16(10, total - 20);
      copy.set(new Uint8Array(bytes.buffer, second + 20, total - 20), 12);
      bytes.setUint16(second + 36, checksum(new DataView(copy.buffer), 0, copy.length));
      const next = mergeable(bytes, second);
      const joined = next !== null && joinRun(bytes, startRun(bytes, first, layout), second, next);
      // The id isn't looked at (the kernel makes its own), PSH may differ, and the urgent pointer means nothing without URG.
      const free =
        offset === 4 || offset === 5 || offset === 38 || offset === 39 || (offset === 33 && change === 8);
      expect([offset, joined]).toEqual([offset, free]);
    }),
    { numRuns: 500 },
  );
});

test('segments of another size, after PSH or out of order are not merged', () => {
  const packet = fc.sample(packets, { numRuns: 200, seed: 1 }).find((each) => each.byteLength > 500);
  if (packet === undefined) throw new Error('no packet');
  packet.setUint8(33, 0x10);
  const { bytes, places } = split(packet, 100);
  const [first = 0, second = 0, third = 0] = places;
  const layout = mergeable(bytes, first);
  if (layout === null) throw new Error('not mergeable');
  expect(joinRun(bytes, startRun(bytes, first, layout), third, layout)).toBe(false);
  expect(joinRun(bytes, startRun(bytes, second, layout), first, layout)).toBe(false);
  const run = startRun(bytes, first, layout);
  expect(joinRun(bytes, run, second, layout)).toBe(true);
  expect(joinRun(bytes, { ...run, closed: true }, third, layout)).toBe(false);
  expect(joinRun(bytes, run, third, { ...layout, payload: 101 })).toBe(false);
  expect(joinRun(bytes, { ...run, payload: 65500 }, third, layout)).toBe(false);
});

test('a segment whose IP header has a wrong checksum is not merged, for merging would make it right', () => {
  const packet = fc.sample(packets, { numRuns: 200, seed: 1 }).find((each) => each.byteLength > 500);
  if (packet === undefined) throw new Error('no packet');
  packet.setUint8(33, 0x10);
  const { bytes, places } = split(packet, 100);
  const [first = 0] = places;
  expect(mergeable(bytes, first)).not.toBe(null);
  // The id, which no other check looks at.
  bytes.setUint8(first + 5, bytes.getUint8(first + 5) ^ 1);
  expect(mergeable(bytes, first)).toBe(null);
});

test('segments that differ in a reserved bit of TCP are not merged', () => {
  const packet = fc.sample(packets, { numRuns: 200, seed: 1 }).find((each) => each.byteLength > 500);
  if (packet === undefined) throw new Error('no packet');
  packet.setUint8(33, 0x10);
  const { bytes, places } = split(packet, 100);
  const [first = 0, second = 0] = places;
  const layout = mergeable(bytes, first);
  if (layout === null) throw new Error('not mergeable');
  // RFC 3168's successors use what was reserved: AccECN's AE bit.
  bytes.setUint8(second + 32, bytes.getUint8(second + 32) ^ 1);
  expect(joinRun(bytes, startRun(bytes, first, layout), second, layout)).toBe(false);
});

/** Datagrams of UDP of one flow: their data is of one size, but for the last. */
const datagrams = fc.record({
  size: fc.integer({ min: 1, max: 1444 }),
  count: fc.integer({ min: 2, max: 64 }),
  last: fc.integer({ min: 1, max: 1444 }),
  fragment: fc.constantFrom(0, 0x4000),
  id: fc.integer({ min: 0, max: 0xffff }),
  seed: fc.integer(),
});

type Datagrams = typeof datagrams extends fc.Arbitrary<infer Value> ? Value : never;

/** The super-packet of such datagrams, as the kernel hands it over: without checksums. */
function superPacket({ size, count, last, fragment, id, seed }: Datagrams): DataView {
  const payload = (Math.min(count, Math.floor(65507 / size)) - 1) * size + Math.min(size, last);
  const view = new DataView(new ArrayBuffer(28 + payload));
  view.setUint8(0, 0x45);
  view.setUint16(2, view.byteLength);
  view.setUint16(4, id);
  view.setUint16(6, fragment);
  view.setUint8(8, 63);
  view.setUint8(9, 17);
  view.setUint32(12, 0x0a050102);
  view.setUint32(16, 0x0a050202);
  view.setUint32(20, 0x12345678);
  view.setUint16(24, 8 + payload);
  for (let index = 0; index < payload; index += 1)
    view.setUint8(28 + index, Math.imul(index, seed | 1) >>> 11);
  sealHeader(view, 0, 20);
  return view;
}

/** Whether a datagram's checksum is there and right (RFC 768). */
function udpSums(view: DataView, at: number): boolean {
  const total = view.getUint16(at + 2);
  const copy = new Uint8Array(12 + total - 20);
  copy.set(new Uint8Array(view.buffer, at + 12, 8));
  copy[9] = 17;
  new DataView(copy.buffer).setUint16(10, total - 20);
  copy.set(new Uint8Array(view.buffer, at + 20, total - 20), 12);
  return view.getUint16(at + 26) !== 0 && checksum(new DataView(copy.buffer), 0, copy.length) === 0;
}

test('many datagrams of UDP split into whole ones with right checksums, and merge to what they were', () => {
  fc.assert(
    fc.property(datagrams, (wish) => {
      const packet = superPacket(wish);
      const { bytes, places } = split(packet, wish.size);
      const [first = 0, ...others] = places;
      for (const [index, at] of places.entries()) {
        const total = bytes.getUint16(at + 2);
        expect(flawOf(bytes, total, at)).toBe(null);
        expect(checksum(bytes, at, 20)).toBe(0);
        expect(bytes.getUint16(at + 24)).toBe(total - 20);
        expect(bytes.getUint16(at + 4)).toBe((wish.id + index) % 0x10000);
        expect(udpSums(bytes, at)).toBe(true);
      }
      const layout = mergeable(bytes, first);
      if (layout === null) throw new Error('not mergeable');
      const run = startRun(bytes, first, layout);
      for (const at of others) {
        const next = mergeable(bytes, at);
        expect(next !== null && joinRun(bytes, run, at, next)).toBe(true);
      }
      expect(run.segments).toBe(places.length);
      // What comes after 64 datagrams, or a shorter one, is another packet.
      if (run.segments === 64 || run.closed) expect(joinRun(bytes, run, first, layout)).toBe(false);
      if (others.length === 0) return;
      const target = new DataView(new ArrayBuffer(virtioHeader + longestHeaders));
      expect(writeMerged(bytes, run, others.at(-1) ?? 0, target, 0)).toBe(virtioHeader + 28);
      const virtio = readVirtio(target, 0);
      expect(target.getUint8(1)).toBe(5);
      expect(virtio).toEqual({ segment: wish.size, partial: { start: 20, field: 26 } });
      if (virtio === null) return;
      const merged = Uint8Array.from(new Uint8Array(packet.buffer));
      merged.set(new Uint8Array(target.buffer, virtioHeader, 28));
      const view = new DataView(merged.buffer);
      finishChecksum(view, 0, merged.length, virtio);
      expect(udpSums(view, 0)).toBe(true);
      view.setUint16(26, 0);
      expect(Buffer.from(merged).equals(Buffer.from(packet.buffer))).toBe(true);
    }),
  );
});

test('datagrams of UDP that differ, or whose sums are missing or wrong, are not merged', () => {
  const packet = superPacket({ size: 100, count: 3, last: 100, fragment: 0x4000, id: 7, seed: 5 });
  /** The second datagram changed as its sender might have: whether it may be merged at all, and joins the first. */
  const tried = (change: (bytes: DataView, at: number) => void, correct = true): (boolean | null)[] => {
    const { bytes, places } = split(packet, 100);
    const [first = 0, second = 0] = places;
    change(bytes, second);
    if (correct) {
      sealHeader(bytes, second, 20);
      bytes.setUint16(second + 26, 0);
      const total = bytes.getUint16(second + 2);
      const copy = new Uint8Array(12 + total - 20);
      copy.set(new Uint8Array(bytes.buffer, second + 12, 8));
      copy[9] = 17;
      new DataView(copy.buffer).setUint16(10, total - 20);
      copy.set(new Uint8Array(bytes.buffer, second + 20, total - 20), 12);
      bytes.setUint16(second + 26, checksum(new DataView(copy.buffer), 0, copy.length));
    }
    const layout = mergeable(bytes, first);
    const next = mergeable(bytes, second);
    if (layout === null) throw new Error('not mergeable');
    return [next !== null, next !== null && joinRun(bytes, startRun(bytes, first, layout), second, next)];
  };
  expect(tried(() => {})).toEqual([true, true]);
  expect(tried((bytes, at) => bytes.setUint8(at + 50, 1))).toEqual([true, true]);
  // Traffic class and ECN, TTL, addresses, ports, and that it may be fragmented.
  for (const offset of [1, 8, 15, 19, 21, 23])
    expect([
      offset,
      ...tried((bytes, at) => bytes.setUint8(at + offset, bytes.getUint8(at + offset) ^ 1)),
    ]).toEqual([offset, true, false]);
  expect(tried((bytes, at) => bytes.setUint16(at + 6, 0))).toEqual([true, false]);
  // A length in UDP's header that leaves some of the packet out; a fragment; one without checksum; a wrong checksum.
  expect(tried((bytes, at) => bytes.setUint16(at + 24, 107))).toEqual([false, false]);
  expect(tried((bytes, at) => bytes.setUint16(at + 6, 0x2000))).toEqual([false, false]);
  expect(tried((bytes, at) => bytes.setUint16(at + 26, 0), false)).toEqual([false, false]);
  expect(tried((bytes, at) => bytes.setUint8(at + 50, bytes.getUint8(at + 50) ^ 1), false)).toEqual([
    false,
    false,
  ]);
});

test('a packet that may become fragments is merged only with the one whose id is next, for that is the one it gets', () => {
  const packet = superPacket({ size: 100, count: 3, last: 100, fragment: 0, id: 0xffff, seed: 5 });
  const { bytes, places } = split(packet, 100);
  const [first = 0, second = 0, third = 0] = places;
  const layout = mergeable(bytes, first);
  if (layout === null) throw new Error('not mergeable');
  expect(bytes.getUint16(second + 4)).toBe(0);
  expect(joinRun(bytes, startRun(bytes, first, layout), third, layout)).toBe(false);
  const run = startRun(bytes, first, layout);
  expect(joinRun(bytes, run, second, layout) && joinRun(bytes, run, third, layout)).toBe(true);
});
