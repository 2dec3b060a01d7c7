import { errors, type System } from '../../kernel/native.ts';
import { countInto } from './counters.ts';
import { type Direction, type DirectionOrder, failedRead, type Outcome } from './direction.ts';
import { makeMessage } from './message.ts';
import {
  finishChecksum,
  type Layout,
  layoutOf,
  longestHeaders,
  readVirtio,
  segmentCount,
  startSplit,
  virtioHeader,
  writeSegment,
} from './offload.ts';
import { decrementTtl, destinationOf, flawOf, networkUnreachable } from './packet.ts';
import { makeRing } from './ring.ts';
import { mostRoutes, routeReader } from './routes.ts';
import { socketAddress, udpLevel, udpSegment } from './socket.ts';

/** Segments in one call (UDP_MAX_SEGMENTS of older kernels) and bytes in one datagram, which all of them count as. */
const mostSegments = 64;
const longestDatagram = 65507;
const longestPacket = 65535;

/* poll(2) */
const pollOut = 0x004;
/** A packet that waited longer would only hold up those behind it. */
const longestWait = 10;
/** Milliseconds until the kernel is asked again to split datagrams after it has refused: a route or a device may change. */
const splitPause = 1000;

/** The packet is behind its virtio header, at a multiple of four. */
const packetAt = 12;
const longestRead = packetAt + longestPacket + 1;
const ringSize = 3 * longestRead;

/** From the TUN to the peers: reads one packet, or many segments of one, and sends each segment as a datagram. */
export function outward(system: System, given: DirectionOrder): Direction {
  const count = countInto(given.counters);
  const message = makeMessage(system, ringSize + mostSegments * longestHeaders, 2 * mostSegments);
  const { view, sum } = message;
  const ring = makeRing(ringSize, longestRead);
  const writableEntry = new Uint8Array(8);
  const writable = new DataView(writableEntry.buffer);
  writable.setInt32(0, given.socket, true);
  writable.setInt16(4, pollOut, true);
  const routes = routeReader(given.routes, 'out');
  const addresses = new Map<number, Uint8Array>();
  function addressOf(nextHop: number): Uint8Array {
    const known = addresses.get(nextHop);
    if (known !== undefined) return known;
    // Peers that are gone leave theirs behind.
    if (addresses.size === mostRoutes) addresses.clear();
    const address = socketAddress(nextHop, given.port);
    addresses.set(nextHop, address);
    return address;
  }
  // Not while the kernel or the underlay's device doesn't split datagrams (before 4.18, or without checksums).
  let splitsFrom = given.offloads ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;

  /*
   * Datagrams that wait to be sent in one call: to one peer, of one size, but for the last, which may be shorter. Each is
   * one vector or two: headers of their own and some of a packet.
   */
  const starts = new Uint16Array(mostSegments + 1);
  const sizes = new Uint16Array(mostSegments);
  let waiting = 0;
  let waitingBytes = 0;
  let waitingFor = 0;
  let waitingSlot = 0;

  /**
   * flannel writes its error into the TUN, where the kernel drops it: a packet that comes in with an address of this host
   * as its source is a martian. Sent as this host's own, the same packet arrives.
   */
  function answer(at: number, length: number): void {
    const reply = networkUnreachable(view, length, given.address, at);
    if (reply === null) return;
    const to = socketAddress(destinationOf(new DataView(reply.buffer)), 0);
    system.sendto(given.replies, reply, reply.length, 0, to, to.length);
  }

  /** After a refused send: whether there may be room for it now. A full queue is waited for a little, as a blocking send would. */
  function awaitRoom(): boolean {
    if (system.errno() !== errors.again) return false;
    writable.setInt16(6, 0, true);
    return system.poll(writableEntry, 1, longestWait) > 0;
  }

  /** Sends some of the datagrams that wait in one call; false when the kernel refuses them. */
  function send(first: number, datagrams: number, bytes: number): boolean {
    const [from = 0, to = 0] = [starts[first], starts[first + datagrams]];
    message.vectorRange(from, to - from);
    message.control(udpLevel, udpSegment, datagrams > 1 ? (sizes[0] ?? 0) : null);
    do {
      if (system.sendmsg(given.socket, message.header, 0) === bytes) {
        count.carried(bytes, datagrams);
        routes.count(waitingSlot, datagrams, bytes);
        return true;
      }
    } while (awaitRoom());
    return false;
  }

  /** Sends each by itself. What is refused alone is lost, as any datagram may be. */
  function sendSingly(): void {
    for (let index = 0; index < waiting; index += 1)
      if (!send(index, 1, sizes[index] ?? 0)) count.dropped('refused');
  }

  function flush(): void {
    if (waiting === 0) return;
    message.name(addressOf(waitingFor));
    if (waiting > 1 && performance.now() < splitsFrom) sendSingly();
    else if (!send(0, waiting, waitingBytes)) {
      if (waiting > 1 && isUnsupported(system.errno())) {
        splitsFrom = performance.now() + splitPause;
        sendSingly();
      } else count.dropped('refused', waiting);
    }
    waiting = 0;
    waitingBytes = 0;
    ring.release();
  }

  /** Makes sure that a datagram to the peer that was found may be the next of those that wait. */
  function makeRoom(size: number): void {
    const first = sizes[0] ?? 0;
    if (
      waiting === mostSegments ||
      waitingBytes + size > longestDatagram ||
      size > first ||
      sizes[waiting - 1] !== first ||
      waitingFor !== routes.nextHop ||
      waitingSlot !== routes.slot
    )
      flush();
    waitingFor = routes.nextHop;
    waitingSlot = routes.slot;
  }

  /** Lets a datagram wait, whose vectors end before `end`. */
  function enqueue(size: number, end: number): void {
    sizes[waiting] = size;
    waiting += 1;
    waitingBytes += size;
    starts[waiting] = end;
  }

  function queueSegments(at: number, layout: Layout, size: number): void {
    const { headers, payload } = layout;
    const total = segmentCount(layout, size);
    if (headers + size > given.mtu) {
      count.dropped('too-big', total);
      return;
    }
    const split = startSplit(view, at, layout);
    for (let index = 0; index < total; index += 1) {
      makeRoom(headers + Math.min(size, payload - index * size));
      const headersAt = ringSize + waiting * longestHeaders;
      const length = writeSegment(view, at, split, size, index, view, headersAt, sum);
      const vector = starts[waiting] ?? 0;
      message.vector(vector, headersAt, headers);
      message.vector(vector + 1, at + headers + index * size, length);
      ring.keep(at - packetAt, at + headers + payload);
      enqueue(headers + length, vector + 2);
    }
  }

  function queuePlain(at: number, length: number): void {
    makeRoom(length);
    const vector = starts[waiting] ?? 0;
    message.vector(vector, at, length);
    ring.keep(at - packetAt, at + length);
    enqueue(length, vector + 1);
  }

  function carry(): Outcome {
    const place = ring.place();
    if (place === null) flush();
    const at = (place ?? 0) + packetAt;
    const buffer = message.bytes.subarray(at - virtioHeader, at + longestPacket);
    const length = system.read(given.tun, buffer, buffer.length) - virtioHeader;
    if (length < 0) return failedRead(system);
    const virtio = readVirtio(view, at - virtioHeader);
    const size = virtio?.segment ?? 0;
    const flaw = size === 0 && length > given.mtu ? 'too-big' : flawOf(view, length, at);
    if (virtio === null || flaw !== null) {
      count.dropped(flaw ?? 'refused');
      return 'carried';
    }
    if (!routes.find(destinationOf(view, at))) {
      count.dropped('no-route');
      answer(at, length);
      return 'carried';
    }
    if (!decrementTtl(view, at)) {
      count.dropped('ttl');
      return 'carried';
    }
    const layout = size === 0 ? null : layoutOf(view, at);
    if (layout !== null) {
      queueSegments(at, layout, size);
      return 'carried';
    }
    if (size !== 0) {
      count.dropped('bad-length');
      return 'carried';
    }
    finishChecksum(view, at, length, virtio, sum);
    queuePlain(at, length);
    return 'carried';
  }

  return { waitsFor: given.tun, carry, flush };
}

/** EIO, EINVAL, ENOPROTOOPT and EOPNOTSUPP: what kernels say of segmentation that they can't do. */
const isUnsupported = (errno: number): boolean => [5, 22, 92, 95].includes(errno);
