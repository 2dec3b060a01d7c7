import { errors, type System } from '../../kernel/native.ts';
import { countInto } from './counters.ts';
import { type Direction, type DirectionOrder, failedRead, type Outcome } from './direction.ts';
import { makeMessage } from './message.ts';
import {
  finishChecksum,
  longestHeaders,
  readVirtio,
  segmentCount,
  type TcpLayout,
  tcpLayout,
  virtioHeader,
  writeSegment,
} from './offload.ts';
import { decrementTtl, destinationOf, flawOf, networkUnreachable } from './packet.ts';
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

/** The packet is behind its virtio header, at a multiple of four. */
const packetAt = 12;
const headersAt = packetAt + longestPacket + 1;

/** From the TUN to the peers: reads one packet, or many segments of one, and sends each segment as a datagram. */
export function outward(system: System, given: DirectionOrder): Direction {
  const count = countInto(given.counters);
  const message = makeMessage(system, headersAt + mostSegments * longestHeaders, 2 * mostSegments);
  const { view } = message;
  const writableEntry = new Uint8Array(8);
  const writable = new DataView(writableEntry.buffer);
  writable.setInt32(0, given.socket, true);
  writable.setInt16(4, pollOut, true);
  const readBuffer = message.bytes.subarray(packetAt - virtioHeader, packetAt + longestPacket);
  const packetBuffer = message.bytes.subarray(packetAt, packetAt + longestPacket);
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
  // Until the kernel or the underlay's device turns out not to split datagrams (before 4.18, or without checksums).
  let splits = given.offloads;

  /**
   * flannel writes its error into the TUN, where the kernel drops it: a packet that comes in with an address of this host
   * as its source is a martian. Sent as this host's own, the same packet arrives.
   */
  function answer(length: number): void {
    const reply = networkUnreachable(view, length, given.address, packetAt);
    if (reply === null) return;
    const to = socketAddress(destinationOf(new DataView(reply.buffer)), 0);
    system.sendto(given.replies, reply, reply.length, 0, to, to.length);
  }

  function carried(bytes: number, packets: number): void {
    count.carried(bytes, packets);
    routes.count(routes.slot, packets, bytes);
  }

  /** After a refused send: whether there may be room for it now. A full queue is waited for a little, as a blocking send would. */
  function awaitRoom(): boolean {
    if (system.errno() !== errors.again) return false;
    writable.setInt16(6, 0, true);
    return system.poll(writableEntry, 1, longestWait) > 0;
  }

  /** Sends some segments of the packet in one call; false when the kernel refuses them. */
  function sendSegments(layout: TcpLayout, size: number, from: number, segments: number): boolean {
    let bytes = 0;
    for (let index = 0; index < segments; index += 1) {
      const at = headersAt + index * longestHeaders;
      const length = writeSegment(view, packetAt, layout, size, from + index, view, at);
      message.vector(2 * index, at, layout.headers);
      message.vector(2 * index + 1, packetAt + layout.headers + (from + index) * size, length);
      bytes += layout.headers + length;
    }
    message.vectorCount(2 * segments);
    message.control(udpLevel, udpSegment, segments > 1 ? layout.headers + size : null);
    do {
      if (system.sendmsg(given.socket, message.header, 0) === bytes) {
        carried(bytes, segments);
        return true;
      }
    } while (awaitRoom());
    return false;
  }

  function sendTcp(layout: TcpLayout, size: number, address: Uint8Array): void {
    const total = segmentCount(layout, size);
    if (layout.headers + size > given.mtu) {
      count.dropped('too-big', total);
      return;
    }
    message.name(address);
    const most = Math.min(mostSegments, Math.floor(longestDatagram / (layout.headers + size)));
    let from = 0;
    while (from < total) {
      const segments = splits ? Math.min(most, total - from) : 1;
      if (!sendSegments(layout, size, from, segments)) {
        // Refused as many, they may pass one by one; what is refused alone is lost, as any datagram may be.
        if (segments > 1 && isUnsupported(system.errno())) {
          splits = false;
          continue;
        }
        count.dropped('refused', segments);
      }
      from += segments;
    }
  }

  function carry(): Outcome {
    const length = system.read(given.tun, readBuffer, readBuffer.length) - virtioHeader;
    if (length < 0) return failedRead(system);
    const virtio = readVirtio(view, packetAt - virtioHeader);
    const size = virtio?.segment ?? 0;
    const flaw = size === 0 && length > given.mtu ? 'too-big' : flawOf(view, length, packetAt);
    if (virtio === null || flaw !== null) {
      count.dropped(flaw ?? 'refused');
      return 'carried';
    }
    if (!routes.find(destinationOf(view, packetAt))) {
      count.dropped('no-route');
      answer(length);
      return 'carried';
    }
    const address = addressOf(routes.nextHop);
    if (!decrementTtl(view, packetAt)) {
      count.dropped('ttl');
      return 'carried';
    }
    const layout = size === 0 ? null : tcpLayout(view, packetAt);
    if (layout !== null) {
      sendTcp(layout, size, address);
      return 'carried';
    }
    if (size !== 0) {
      count.dropped('bad-length');
      return 'carried';
    }
    finishChecksum(view, packetAt, length, virtio);
    do {
      if (system.sendto(given.socket, packetBuffer, length, 0, address, address.length) === length) {
        carried(length, 1);
        return 'carried';
      }
    } while (awaitRoom());
    count.dropped('refused');
    return 'carried';
  }

  return { waitsFor: given.tun, carry };
}

/** EIO, EINVAL, ENOPROTOOPT and EOPNOTSUPP: what kernels say of segmentation that they can't do. */
const isUnsupported = (errno: number): boolean => [5, 22, 92, 95].includes(errno);
