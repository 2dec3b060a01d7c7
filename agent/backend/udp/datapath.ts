import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Remains } from '../../inherited.ts';
import { type System, systemError } from '../../kernel/native.ts';
import { adoptTun, openTun, type Tun } from '../../kernel/tun.ts';
import type { RouteMemory } from './routes.ts';
import { openRawSocket, openSocket } from './socket.ts';
import type { UdpOrder } from './worker.ts';
import workerProgram from './worker.ts?source';

/** Memory that outlives a device: the routes and each direction's counts. */
export interface DatapathMemory {
  readonly routes: RouteMemory;
  readonly out: SharedArrayBuffer;
  readonly in: SharedArrayBuffer;
}

/** A TUN device, a socket and a thread for each direction between them. */
export interface Datapath {
  readonly deviceName: string;
  /** Whether both threads run; they end when the device is deleted. */
  alive(): boolean;
  /** What a later process needs to carry on with the same device: it stays as long as somebody has a copy. */
  descriptors(): { readonly tun: number; readonly socket: number };
  /** Ends the threads and closes the device, which then is no more, unless somebody else has its descriptor. */
  stop(): Promise<void>;
  /** The same, but resolves to the socket, which stays open for the next device. */
  stopWithoutSocket(): Promise<number>;
}

export interface DatapathWish {
  /** The interface's address and our port: what the socket is bound to. Peers have the same port. */
  readonly address: number;
  readonly port: number;
  /** The TUN's own address, the source of its ICMP errors. */
  readonly tunAddress: number;
  readonly mtu: number;
  /** Whether the kernel may split and merge segments for us, where it can. */
  readonly offloads: boolean;
}

/* eventfd(2) */
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;

/** The program's own file, beside which the workers find koffi. */
const programFile = (): string => (typeof __filename === 'string' ? __filename : (process.argv[1] ?? ''));

interface Thread {
  alive(): boolean;
  stop(): Promise<void>;
}

async function startThread(system: System, order: Omit<UdpOrder, 'event' | 'program'>): Promise<Thread> {
  const event = system.eventfd(0, nonBlocking | closeOnExec);
  if (event < 0) throw systemError('cannot open an eventfd', system);
  const workerData: UdpOrder = { ...order, event, program: programFile() };
  const worker = new Worker(workerProgram, { eval: true, workerData });
  let alive = true;
  let failure = 'it ended at once';
  // A thread that fails later has ended; `alive` says so and the next pass makes a new one.
  worker.on('error', (error) => {
    failure = error instanceof Error ? error.message : String(error);
  });
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      alive = false;
      system.close(event);
      resolve();
    });
  });
  // It says when it is ready, so that no packet waits for a thread that is still loading.
  await Promise.race([once(worker, 'message'), ended]);
  if (!alive) throw new Error(`a thread of the udp backend did not start: ${failure}`);
  // Only the program's other work keeps it running.
  worker.unref();
  const wake = new Uint8Array(8);
  new DataView(wake.buffer).setBigUint64(0, 1n, true);
  return {
    alive: () => alive,
    async stop() {
      if (!alive) return;
      worker.ref();
      system.write(event, wake, wake.length);
      await ended;
    },
  };
}

/** The device of an earlier process; null when it is no more. */
function adopt(system: System, descriptor: number, offloads: boolean): Tun | null {
  try {
    return adoptTun(system, descriptor, offloads);
  } catch {
    system.close(descriptor);
    return null;
  }
}

/**
 * Opens the device and the socket, or carries on with those of an earlier process, and starts the threads; addresses, MTU
 * and routes of the device are the caller's.
 */
export async function startDatapath(
  system: System,
  wish: DatapathWish,
  memory: DatapathMemory,
  remains: Remains = { tun: null, socket: null },
): Promise<Datapath> {
  const opened: number[] = [];
  const keep = (descriptor: number): number => {
    opened.push(descriptor);
    return descriptor;
  };
  const closeAll = () => {
    for (const descriptor of opened) system.close(descriptor);
  };
  let deviceName: string;
  let order: Omit<UdpOrder, 'counters' | 'event' | 'direction' | 'program'>;
  try {
    // The socket is taken even without the device: whoever else has a copy of it would keep the port from a new one.
    const socket = keep(remains.socket ?? openSocket(system, wish.address, wish.port));
    const adopted = remains.tun === null ? null : adopt(system, remains.tun, wish.offloads);
    const tun = adopted ?? openTun(system, 'flannel%d', wish.offloads);
    keep(tun.descriptor);
    const replies = keep(openRawSocket(system));
    deviceName = tun.name;
    const { port, mtu, offloads, tunAddress: address } = wish;
    const { descriptor, segments, datagrams } = tun;
    order = {
      routes: memory.routes,
      tun: descriptor,
      segments,
      datagrams,
      offloads,
      socket,
      replies,
      address,
      port,
      mtu,
    };
  } catch (error) {
    closeAll();
    throw error;
  }
  const started = await Promise.allSettled(
    (['out', 'in'] as const).map((direction) =>
      startThread(system, { ...order, direction, counters: memory[direction] }),
    ),
  );
  const threads = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const [out, inward] = threads;
  if (out === undefined || inward === undefined) {
    await Promise.all(threads.map((thread) => thread.stop()));
    closeAll();
    throw started.find((each) => each.status === 'rejected')?.reason;
  }
  return {
    deviceName,
    alive: () => out.alive() && inward.alive(),
    descriptors: () => ({ tun: order.tun, socket: order.socket }),
    async stop() {
      await Promise.all([out.stop(), inward.stop()]);
      // Only now, for a descriptor's number is given to the next file that is opened.
      closeAll();
    },
    async stopWithoutSocket() {
      await Promise.all([out.stop(), inward.stop()]);
      for (const descriptor of opened) if (descriptor !== order.socket) system.close(descriptor);
      return order.socket;
    },
  };
}
