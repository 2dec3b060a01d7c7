import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { loadSystem, type System } from '../../kernel/native.ts';
import type { Direction, Outcome } from './direction.ts';
import { inward } from './inward.ts';
import { outward } from './outward.ts';

/* A thread for one direction of the datapath. It blocks in poll(2), so idle it costs nothing. */

/** What a worker is given. `event` is an eventfd(2) that tells it to stop. */
const order = z.object({
  role: z.literal('udp'),
  direction: z.enum(['out', 'in']),
  tun: z.int(),
  /** Whether the TUN takes and gives many segments as one packet. */
  segments: z.boolean(),
  /** Whether many datagrams may go and come in one call. */
  offloads: z.boolean(),
  socket: z.int(),
  /** A raw socket for ICMP errors. */
  replies: z.int(),
  event: z.int(),
  address: z.int(),
  port: z.int(),
  mtu: z.int(),
  counters: z.instanceof(SharedArrayBuffer),
  routes: z.object({ table: z.instanceof(SharedArrayBuffer), counters: z.instanceof(SharedArrayBuffer) }),
});
export type UdpOrder = z.input<typeof order>;

type Order = z.output<typeof order>;

/* poll(2) */
const readable = 0x001;
const pollEntry = 8;
/** As Node.js can't end a thread that blocks outside of it, the wait ends by itself now and then. */
const longestWait = 1000;
/** Packets carried before it is looked whether to stop. */
const burst = 256;

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
  for (;;) {
    polled.setInt16(6, 0, true);
    polled.setInt16(pollEntry + 6, 0, true);
    system.poll(entries, 2, longestWait);
    if (polled.getInt16(pollEntry + 6, true) !== 0) return;
    const state = polled.getInt16(6, true);
    if (state !== 0 && carryBurst(direction) === 'gone') return;
  }
}

/** A worker's whole life: the same file as the program, started with `workerData.role` `udp`. It ends when told to. */
export async function runUdpWorker(): Promise<void> {
  const given = order.parse(workerData);
  const system = await loadSystem();
  parentPort?.postMessage('ready');
  const direction = given.direction === 'out' ? outward(system, given) : inward(system, given);
  pump(system, given, direction);
}
