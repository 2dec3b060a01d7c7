import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { System } from './kernel/native.ts';
import { socketAddress } from './notify.ts';

/* A service manager's end of sd_notify(3) for tests, with a store of descriptors as systemd has it. */

export interface TestServiceManager {
  /** What it was told so far. */
  told(): readonly string[];
  /** The names of the descriptors that it keeps, in the order in which they came. */
  kept(): readonly string[];
  /** Starts a program with what it keeps; `enter` is what comes before it on the command line, such as nsenter. */
  launch(enter: readonly string[], argv: readonly string[], options: SpawnOptions): ChildProcess;
  close(): void;
}

const dontWait = 0x40; // MSG_DONTWAIT
const controlAt = 64;
const vectorAt = 128;
const textAt = 144;
const room = 4096;

/** Listens at a path. Nothing runs by itself: what was sent is read at each call. */
export function openTestServiceManager(system: System, path: string): TestServiceManager {
  const address = socketAddress(path) ?? Buffer.alloc(0);
  const socket = system.socket(1, 2 | 0o2000000, 0);
  if (socket < 0 || system.bind(socket, address, address.length) < 0) throw new Error(`no socket at ${path}`);
  const memory = system.allocate(textAt + room);
  const bytes = Buffer.from(memory.buffer);
  const word = (at: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), at);
  const told: string[] = [];
  let store: { name: string; descriptor: number }[] = [];

  function take(message: string, descriptor: number | null): void {
    told.push(message);
    const lines = message.split('\n');
    const name = lines.find((line) => line.startsWith('FDNAME='))?.slice('FDNAME='.length) ?? '';
    if (lines.includes('FDSTORE=1') && descriptor !== null) store.push({ name, descriptor });
    if (!lines.includes('FDSTOREREMOVE=1')) return;
    for (const each of store) if (each.name === name) system.close(each.descriptor);
    store = store.filter((each) => each.name !== name);
  }

  function drain(): void {
    for (;;) {
      word(16, memory.address + vectorAt);
      word(24, 1);
      word(32, memory.address + controlAt);
      word(40, vectorAt - controlAt);
      word(vectorAt, memory.address + textAt);
      word(vectorAt + 8, room);
      const length = system.recvmsg(socket, memory.address, dontWait);
      if (length < 0) return;
      const hasDescriptor = bytes.readBigUInt64LE(40) >= 20n;
      take(
        bytes.toString('utf8', textAt, textAt + length).trim(),
        hasDescriptor ? bytes.readInt32LE(controlAt + 16) : null,
      );
    }
  }

  return {
    told() {
      drain();
      return told;
    },
    kept() {
      drain();
      return store.map(({ name }) => name);
    },
    launch(enter, argv, options) {
      drain();
      // The process's own number is part of what it is told, so a shell says it and becomes the program.
      const [program = 'sh', ...args] = [
        ...enter,
        'sh',
        '-c',
        'export LISTEN_PID=$$; exec "$@"',
        'sh',
        ...argv,
      ];
      return spawn(program, args, {
        ...options,
        stdio: ['ignore', 'pipe', 'pipe', ...store.map(({ descriptor }) => descriptor)],
        env: {
          ...options.env,
          NOTIFY_SOCKET: path,
          LISTEN_FDS: String(store.length),
          LISTEN_FDNAMES: store.map(({ name }) => name).join(':'),
        },
      });
    },
    close() {
      for (const { descriptor } of store) system.close(descriptor);
      store = [];
      system.close(socket);
    },
  };
}
