import { errors, type System } from '../../kernel/native.ts';
import { countInto, type Drop } from './counters.ts';
import { type Direction, type DirectionOrder, failedRead, type Outcome } from './direction.ts';
import { makeMessage } from './message.ts';
import {
  joinRun,
  longestHeaders,
  mergeable,
  type Run,
  startRun,
  virtioHeader,
  writeMerged,
  writePlainVirtio,
} from './offload.ts';
import { decrementTtl, flawOf, sourceOf } from './packet.ts';
import { routeReader } from './routes.ts';
import { receiveMany, udpGro, udpLevel } from './socket.ts';

/** Bytes that one call may give, and the pieces that one packet for the TUN may have. */
const room = 65536;
const mostPieces = 256;
const headersAt = room;

/** From the peers to the TUN: receives one datagram or many, and writes runs of segments as one packet. */
export function inward(system: System, given: DirectionOrder): Direction {
  const count = countInto(given.counters);
  const received = makeMessage(system, room + virtioHeader + longestHeaders, mostPieces);
  const { view } = received;
  const routes = routeReader(given.routes, 'in');
  receiveMany(system, given.socket, given.offloads);
  let gone = false;

  /** Writes the first so many vectors to the TUN. */
  function write(vectors: number, bytes: number, packets: number): void {
    if (system.writev(given.tun, received.vectors, vectors) >= 0) {
      count.carried(bytes, packets);
      return;
    }
    gone ||= system.errno() === errors.badState;
    count.dropped('refused', packets);
  }

  function writePlain(at: number, length: number): void {
    writePlainVirtio(view, headersAt);
    received.vector(0, headersAt, virtioHeader);
    received.vector(1, at, length);
    write(2, length, 1);
  }

  /** Writes a run; its segments' places are `places`. */
  function writeRun(run: Run, places: readonly number[], bytes: number): void {
    const last = places.at(-1) ?? run.at;
    const { headers, payload } = run.layout;
    if (run.segments === 1) {
      writePlain(run.at, headers + payload);
      return;
    }
    received.vector(0, headersAt, writeMerged(view, run, last, view, headersAt));
    let left = run.payload;
    for (const [index, at] of places.entries()) {
      received.vector(index + 1, at + headers, Math.min(payload, left));
      left -= payload;
    }
    write(places.length + 1, bytes, run.segments);
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

  /** Whether a datagram is a packet that we carry. Takes one from its TTL. */
  function accept(at: number, length: number, sender: number, isPeer: boolean): boolean {
    const flaw = length > given.mtu ? 'too-big' : flawOf(view, length, at);
    const drop =
      flaw ?? refusal(sender, isPeer, sourceOf(view, at)) ?? (decrementTtl(view, at) ? null : 'ttl');
    if (drop === null) routes.count(routes.slot, 1, length);
    else count.dropped(drop);
    return drop === null;
  }

  function carry(): Outcome {
    received.vector(0, 0, room);
    received.vectorCount(1);
    received.awaitControl();
    received.awaitName();
    const total = system.recvmsg(given.socket, received.header, 0);
    if (total < 0) return failedRead(system);
    // A size of nothing would never end.
    const size = Math.max(1, received.controlValue(udpLevel, udpGro) ?? total);
    let run: Run | null = null;
    let places: number[] = [];
    let bytes = 0;
    const flush = () => {
      if (run !== null) writeRun(run, places, bytes);
      run = null;
      places = [];
      bytes = 0;
    };
    const sender = received.source();
    const isPeer = routes.findHost(sender);
    let at = 0;
    do {
      const length = Math.min(size, total - at);
      if (accept(at, length, sender, isPeer)) {
        const layout = given.segments ? mergeable(view, at) : null;
        if (run === null || layout === null || !joinRun(view, run, at, layout)) {
          flush();
          if (layout === null) writePlain(at, length);
          else run = startRun(view, at, layout);
        }
        if (layout !== null) {
          places.push(at);
          bytes += layout.headers + layout.payload;
        }
      }
      at += length;
    } while (at < total);
    flush();
    return gone ? 'gone' : 'carried';
  }

  return { waitsFor: given.socket, carry };
}
