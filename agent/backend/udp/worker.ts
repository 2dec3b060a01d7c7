import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { loadSystem, type System } from '../../kernel/native.ts';
import type { Direction, DirectionOrder, Outcome } from './direction.ts';
import { inward } from './inward.ts';
import { outward } from './outward.ts';

/*
 * A thread for one direction of the datapath. It blocks in poll(2), so idle it costs nothing. Its program is a text of its
 * own, so nothing belongs in here that takes much memory, as zod would.
 */

/** What a worker is given. */
export interface UdpOrder extends DirectionOrder {
  readonly direction: 'out' | 'in';
  /** An eventfd(2) that tells it to stop. */
  readonly event: number;
  /** The program's own file. */
  readonly program: string;
}

/* poll(2) */
const readable = 0x001;
const pollEntry = 8;
/** As Node.js can't end a thread that blocks outside of it, the wait ends by itself now and then. */
const longestWait = 1000;
/** Packets carried before it is looked whether to stop. */
const burst = 256;

/** Carries what there is, or a burst of it. `sparse` is whether packets come one by one: then the first need not wait for a next. */
function carryBurst(direction: Direction, sparse: boolean): { outcome: Outcome; packets: number } {
  let outcome = direction.carry();
  if (sparse) direction.flush();
  let packets = 1;
  for (; packets < burst && outcome === 'carried'; packets += 1) outcome = direction.carry();
  direction.flush();
  return { outcome, packets };
}

function pump(system: System, given: UdpOrder, direction: Direction): void {
  const entries = new Uint8Array(2 * pollEntry);
  const polled = new DataView(entries.buffer);
  for (const [index, descriptor] of [direction.waitsFor, given.event].entries()) {
    polled.setInt32(index * pollEntry, descriptor, true);
    polled.setInt16(index * pollEntry + 4, readable, true);
  }
  let sparse = true;
  for (;;) {
    polled.setInt16(6, 0, true);
    polled.setInt16(pollEntry + 6, 0, true);
    system.poll(entries, 2, longestWait);
    if (polled.getInt16(pollEntry + 6, true) !== 0) return;
    if (polled.getInt16(6, true) === 0) continue;
    const { outcome, packets } = carryBurst(direction, sparse);
    if (outcome === 'gone') return;
    // The call that said there is no more is one of them.
    sparse = packets <= 2;
  }
}

/** A worker's whole life. It ends when told to. */
async function run(given: UdpOrder, told: MessagePort): Promise<void> {
  const system = await loadSystem();
  const direction = given.direction === 'out' ? outward(system, given) : inward(system, given);
  told.postMessage('ready');
  pump(system, given, direction);
}

// A failure is the worker's end, and whoever has started it hears of it.
if (parentPort !== null) void run(workerData, parentPort);
