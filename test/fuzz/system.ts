import type { Memory, System } from '../../agent/kernel/native.ts';

/* System calls that are none, for code that is to be fed with whatever a kernel could give it. */

const refused = (): number => -1;

/** Refuses every call. */
export const unusedSystem = (): System => ({
  open: refused,
  close: refused,
  ioctl: refused,
  ioctlValue: refused,
  fcntl: refused,
  read: refused,
  write: refused,
  poll: refused,
  socket: refused,
  bind: refused,
  setsockopt: refused,
  getsockname: refused,
  recv: refused,
  sendto: refused,
  sendmsg: refused,
  recvmsg: refused,
  writev: refused,
  eventfd: refused,
  allocate: () => ({ address: 0, buffer: new ArrayBuffer(0) }),
  errno: () => 38,
});

/** Memory at made-up addresses; an access outside of it throws, where the real one would be damaged. */
export interface FakeMemory {
  allocate(size: number): Memory;
  /** The bytes at an address. */
  at(address: number, length: number): Uint8Array;
  view(address: number, length: number): DataView;
}

export function fakeMemory(): FakeMemory {
  const base = 0x7f00_0000_0000;
  const apart = 0x1_0000_0000;
  const buffers: ArrayBuffer[] = [];
  const find = (address: number, length: number) => {
    const index = Math.floor((address - base) / apart);
    const buffer = buffers[index];
    const offset = address - base - index * apart;
    if (buffer === undefined || offset + length > buffer.byteLength)
      throw new Error(`${length} bytes at ${address.toString(16)} are not ours`);
    return { buffer, offset };
  };
  return {
    allocate(size) {
      const buffer = new ArrayBuffer(size);
      buffers.push(buffer);
      return { address: base + (buffers.length - 1) * apart, buffer };
    },
    at(address, length) {
      const { buffer, offset } = find(address, length);
      return new Uint8Array(buffer, offset, length);
    },
    view(address, length) {
      const { buffer, offset } = find(address, length);
      return new DataView(buffer, offset, length);
    },
  };
}

/** A struct msghdr (recvmsg(2)) and its vectors, as the kernel reads them. */
export interface FakeMessage {
  /** The address of the name, and its place for one that is received. */
  readonly name: Uint8Array | null;
  readonly vectors: readonly Uint8Array[];
  readonly control: DataView | null;
  /** Says how long the control messages are. */
  setControlLength(length: number): void;
}

const word = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

export function vectorsAt(memory: FakeMemory, address: number, count: number): Uint8Array[] {
  const vectors: Uint8Array[] = [];
  const view = memory.view(address, 16 * count);
  for (let index = 0; index < count; index += 1)
    vectors.push(memory.at(word(view, 16 * index), word(view, 16 * index + 8)));
  return vectors;
}

export function messageAt(memory: FakeMemory, address: number): FakeMessage {
  const header = memory.view(address, 56);
  const [name, vectors, control] = [word(header, 0), word(header, 16), word(header, 32)];
  return {
    name: name === 0 ? null : memory.at(name, header.getUint32(8, true)),
    vectors: vectorsAt(memory, vectors, word(header, 24)),
    control: control === 0 ? null : memory.view(control, word(header, 40)),
    setControlLength: (length) => header.setBigUint64(40, BigInt(length), true),
  };
}

/** All bytes of some vectors, one after the other. */
export function joined(vectors: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    bytes.set(vector, at);
    at += vector.length;
  }
  return bytes;
}
