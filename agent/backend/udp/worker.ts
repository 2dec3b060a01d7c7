import { MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { errors, loadSystem, type System } from '../../kernel/native.ts';
import { countInto } from './counters.ts';
import { decrementTtl, destinationOf, flawOf, networkUnreachable } from './packet.ts';
import { routeLookup } from './routes.ts';
import { socketAddress } from './socket.ts';

/* A thread for one direction of the datapath. It blocks in poll(2), so idle it costs nothing. */

/** What a worker is given. `event` is an eventfd(2) that wakes it when a message waits on `control`. */
const order = z.object({
  role: z.literal('udp'),
  direction: z.enum(['out', 'in']),
  tun: z.int(),
  socket: z.int(),
  /** A raw socket for ICMP errors. */
  replies: z.int(),
  event: z.int(),
  address: z.int(),
  port: z.int(),
  mtu: z.int(),
  counters: z.instanceof(SharedArrayBuffer),
  control: z.instanceof(MessagePort),
});
export type UdpOrder = z.input<typeof order>;

const message = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('routes'),
    routes: z.array(
      z.object({ subnet: z.object({ base: z.number(), length: z.number() }), nextHop: z.number() }),
    ),
  }),
  z.object({ kind: z.literal('stop') }),
]);
export type UdpMessage = z.input<typeof message>;

/** What became of one try to carry a packet: `idle` when there was none, `gone` when the device is no more. */
type Outcome = 'carried' | 'idle' | 'gone';

/** One direction: what it waits for, how it carries one packet, and what it does with new routes. */
interface Direction {
  readonly waitsFor: number;
  carry(): Outcome;
  route(routes: Parameters<typeof routeLookup>[0]): void;
}

type Order = z.output<typeof order>;

function outcomeOf(system: System): Outcome {
  const errno = system.errno();
  return errno === errors.badState || errno === errors.badDescriptor ? 'gone' : 'idle';
}

/** From the TUN to the peers. */
function outward(system: System, given: Order): Direction {
  const count = countInto(given.counters);
  // A byte more than the MTU, so that what is too long shows.
  const buffer = new Uint8Array(given.mtu + 1);
  const packet = new DataView(buffer.buffer);
  let nextHopOf = routeLookup([]);
  const addresses = new Map<number, Uint8Array>();
  /**
   * flannel writes its error into the TUN, where the kernel drops it: a packet that comes in with an address of this host
   * as its source is a martian. Sent as this host's own, the same packet arrives.
   */
  function answer(reply: Uint8Array): void {
    const address = socketAddress(destinationOf(new DataView(reply.buffer)), 0);
    system.sendto(given.replies, reply, reply.length, 0, address, address.length);
  }
  return {
    waitsFor: given.tun,
    route(routes) {
      nextHopOf = routeLookup(routes);
      addresses.clear();
      for (const { nextHop } of routes) addresses.set(nextHop, socketAddress(nextHop, given.port));
    },
    carry() {
      const length = system.read(given.tun, buffer, buffer.length);
      if (length < 0) return outcomeOf(system);
      const flaw = length > given.mtu ? 'too-big' : flawOf(packet, length);
      if (flaw !== null) {
        count.dropped(flaw);
        return 'carried';
      }
      const nextHop = nextHopOf(destinationOf(packet));
      const address = nextHop === null ? undefined : addresses.get(nextHop);
      if (address === undefined) {
        count.dropped('no-route');
        const reply = networkUnreachable(packet, length, given.address);
        if (reply !== null) answer(reply);
        return 'carried';
      }
      if (!decrementTtl(packet)) {
        count.dropped('ttl');
        return 'carried';
      }
      if (system.sendto(given.socket, buffer, length, 0, address, address.length) === length)
        count.carried(length);
      else count.dropped('refused');
      return 'carried';
    },
  };
}

/** From the peers to the TUN. */
function inward(system: System, given: Order): Direction {
  const count = countInto(given.counters);
  const buffer = new Uint8Array(given.mtu + 1);
  const packet = new DataView(buffer.buffer);
  return {
    waitsFor: given.socket,
    route() {},
    carry() {
      const length = system.recv(given.socket, buffer, buffer.length, 0);
      if (length < 0) return outcomeOf(system);
      const flaw = length > given.mtu ? 'too-big' : flawOf(packet, length);
      if (flaw !== null) {
        count.dropped(flaw);
        return 'carried';
      }
      if (!decrementTtl(packet)) {
        count.dropped('ttl');
        return 'carried';
      }
      if (system.write(given.tun, buffer, length) === length) {
        count.carried(length);
        return 'carried';
      }
      count.dropped('refused');
      return system.errno() === errors.badState ? 'gone' : 'carried';
    },
  };
}

/* poll(2) */
const readable = 0x001;
const pollEntry = 8;
/** As Node.js can't end a thread that blocks outside of it, the wait ends by itself now and then. */
const longestWait = 1000;
/** Packets carried before the control channel is looked at again. */
const burst = 256;

/** Takes all messages that wait; true when one says to stop. */
function obey({ control }: Order, direction: Direction): boolean {
  for (;;) {
    const received: { message: unknown } | undefined = receiveMessageOnPort(control);
    if (received === undefined) return false;
    const parsed = message.parse(received.message);
    if (parsed.kind === 'stop') return true;
    direction.route(parsed.routes);
  }
}

function carryBurst(direction: Direction): Outcome {
  for (let packets = 0; packets < burst; packets += 1) {
    const outcome = direction.carry();
    if (outcome !== 'carried') return outcome;
  }
  return 'carried';
}

function pump(system: System, given: Order, direction: Direction): void {
  const entries = new Uint8Array(2 * pollEntry);
  const polled = new DataView(entries.buffer);
  for (const [index, descriptor] of [direction.waitsFor, given.event].entries()) {
    polled.setInt32(index * pollEntry, descriptor, true);
    polled.setInt16(index * pollEntry + 4, readable, true);
  }
  const woken = new Uint8Array(8);
  for (;;) {
    polled.setInt16(6, 0, true);
    polled.setInt16(pollEntry + 6, 0, true);
    system.poll(entries, 2, longestWait);
    if (polled.getInt16(pollEntry + 6, true) !== 0) {
      system.read(given.event, woken, woken.length);
      if (obey(given, direction)) return;
    }
    const state = polled.getInt16(6, true);
    if (state !== 0 && carryBurst(direction) === 'gone') return;
  }
}

/** A worker's whole life: the same file as the program, started with `workerData.role` `udp`. It ends when told to. */
export async function runUdpWorker(): Promise<void> {
  const given = order.parse(workerData);
  const system = await loadSystem();
  given.control.postMessage('ready');
  pump(system, given, given.direction === 'out' ? outward(system, given) : inward(system, given));
  given.control.close();
}
