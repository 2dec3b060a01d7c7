import { errors, type System } from '../../kernel/native.ts';
import { countInto, type Drop } from './counters.ts';
import { type Direction, type DirectionOrder, failedRead, type Outcome } from './direction.ts';
import { makeMessage } from './message.ts';
import {
  joinRun,
  type Layout,
  longestHeaders,
  mergeable,
  type Run,
  startRun,
  virtioHeader,
  writeMerged,
  writePlainVirtio,
} from './offload.ts';
import { decrementTtl, flawOf, protocolOf, sourceOf } from './packet.ts';
import { makeRing } from './ring.ts';
import { routeReader } from './routes.ts';
import { receiveMany, udpGro, udpLevel } from './socket.ts';

/** Bytes that one call may give. */
const room = 65536;
const ringSize = 3 * room;
const headersAt = ringSize;
/** Segments that become one packet. */
const mostSegments = 128;
/** The first vector is where a call receives; those behind it are a packet for the TUN: its headers, then its data. */
const receiving = 0;
const writing = 1;

/** From the peers to the TUN: receives one datagram or many, and writes runs of segments as one packet. */
export function inward(system: System, given: DirectionOrder): Direction {
  const count = countInto(given.counters);
  const memory = makeMessage(system, ringSize + virtioHeader + longestHeaders, writing + 1 + mostSegments);
  const { view, sum } = memory;
  const ring = makeRing(ringSize, room);
  const routes = routeReader(given.routes, 'in');
  receiveMany(system, given.socket, given.offloads);
  let gone = false;
  // The segments that wait for the next, which may come with the next call.
  let run: Run | null = null;
  let last = 0;

  /** Writes the first so many vectors to the TUN. */
  function write(vectors: number, bytes: number, packets: number): void {
    if (system.writev(given.tun, memory.vectorAddress(writing), vectors) >= 0) {
      count.carried(bytes, packets);
      return;
    }
    gone ||= system.errno() === errors.badState;
    count.dropped('refused', packets);
  }

  function writePlain(at: number, length: number): void {
    writePlainVirtio(view, headersAt);
    memory.vector(writing, headersAt, virtioHeader);
    memory.vector(writing + 1, at, length);
    write(2, length, 1);
  }

  function flush(): void {
    if (run === null) return;
    const { at, layout, segments, payload } = run;
    run = null;
    ring.release();
    if (segments === 1) {
      writePlain(at, layout.headers + payload);
      return;
    }
    memory.vector(writing, headersAt, writeMerged(view, { at, layout, payload }, last, view, headersAt));
    write(1 + segments, segments * layout.headers + payload, segments);
  }

  /** Joins a segment to those that wait, or lets it wait for the next ones. */
  function join(at: number, layout: Layout): void {
    if (run === null || run.segments === mostSegments || !joinRun(view, run, at, layout)) {
      flush();
      run = startRun(view, at, layout);
    }
    last = at;
    memory.vector(writing + run.segments, at + layout.headers, layout.payload);
  }

  /**
   * Why the host at `sender` may not send a packet from this address; null when it may. A peer's are those of its subnet, and
   * its own. A host that no lease names, such as one behind a NAT, may send for any peer, as flanneld lets everybody.
   */
  function refusal(sender: number, isPeer: boolean, source: number): Drop | null {
    if (routes.find(source)) return !isPeer || routes.nextHop === sender ? null : 'spoofed';
    if (!isPeer) return 'unknown-peer';
    return source === sender && routes.findHost(sender) ? null : 'spoofed';
  }

  /** The source of the last packet of this call that its sender may send; -1 before there was one. */
  let trusted = -1;

  /** Whether a datagram is a packet that we carry. Takes one from its TTL. */
  function accept(at: number, length: number, sender: number, isPeer: boolean): boolean {
    let drop: Drop | null = length > given.mtu ? 'too-big' : flawOf(view, length, at);
    if (drop === null) {
      const source = sourceOf(view, at);
      // Datagrams of one call mostly have one source, whose peer is still in `routes.slot`.
      if (source !== trusted) drop = refusal(sender, isPeer, source);
      trusted = drop === null ? source : -1;
    }
    if (drop === null && !decrementTtl(view, at)) drop = 'ttl';
    if (drop === null) routes.count(routes.slot, 1, length);
    else count.dropped(drop);
    return drop === null;
  }

  /** Whether the TUN takes what is merged of such a packet. */
  const merges = (at: number): boolean =>
    given.segments && (given.datagrams || protocolOf(view, at) !== udpLevel);

  function carry(): Outcome {
    const place = ring.place();
    if (place === null) flush();
    const start = place ?? 0;
    memory.vector(receiving, start, room);
    memory.vectorRange(receiving, 1);
    memory.awaitControl();
    memory.awaitName();
    const total = system.recvmsg(given.socket, memory.header, 0);
    if (total < 0) return failedRead(system);
    // A size of nothing would never end.
    const size = Math.max(1, memory.controlValue(udpLevel, udpGro) ?? total);
    const sender = memory.source();
    const isPeer = routes.findHost(sender);
    trusted = -1;
    const end = start + total;
    let at = start;
    do {
      const length = Math.min(size, end - at);
      if (accept(at, length, sender, isPeer)) {
        const layout = merges(at) ? mergeable(view, at, sum) : null;
        if (layout === null) {
          flush();
          writePlain(at, length);
        } else {
          join(at, layout);
          ring.keep(at, end);
          // Nothing can follow, so there is nothing to wait for.
          if (run?.closed === true) flush();
        }
      }
      at += length;
    } while (at < end);
    return gone ? 'gone' : 'carried';
  }

  return { waitsFor: given.socket, carry, flush };
}
