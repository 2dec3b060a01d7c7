import type { System } from '../../kernel/native.ts';
import { type Sum, sumIn } from './sum.ts';

/* struct msghdr, struct iovec and struct cmsghdr of 64-bit Linux (recvmsg(2), cmsg(3)). */
const headerSize = 64;
const controlSize = 64;
const nameSize = 16;
const vectorSize = 16;
/** A control message's own header: its length, level and type. */
const controlHeader = 16;

/** Memory with room for packets and a struct msghdr that points into it. Offsets are from the start of `bytes`. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Sums packets that are in it. */
  readonly sum: Sum;
  /** The address of the struct msghdr. */
  readonly header: number;
  /** Points vector `index` at some of `bytes`. */
  vector(index: number, offset: number, length: number): void;
  /** The address of a vector. */
  vectorAddress(index: number): number;
  /** Which vectors the message consists of. */
  vectorRange(first: number, count: number): void;
  name(address: Uint8Array): void;
  /** Makes room for the address that a datagram comes from. */
  awaitName(): void;
  /** The IPv4 address that it came from. */
  source(): number;
  /** A control message with a 16-bit value, or none. */
  control(level: number, type: number, value: number | null): void;
  /** Makes room for control messages that are received. */
  awaitControl(): void;
  /** The value of the control message that has come, if it is of this type. */
  controlValue(level: number, type: number): number | null;
}

/** Allocates `size` bytes for packets, the first at offset 0, and the structures of a message with so many vectors. */
export function makeMessage(system: System, size: number, vectorCount: number): Message {
  const header = Math.ceil(size / 16) * 16;
  const control = header + headerSize;
  const name = control + controlSize;
  const vectors = name + nameSize;
  const memory = system.allocate(vectors + vectorCount * vectorSize);
  const { address, buffer } = memory;
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const setWord = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
  };
  const vectorAddress = (index: number): number => address + vectors + index * vectorSize;
  return {
    bytes,
    view,
    sum: sumIn(memory),
    header: address + header,
    vector(index, offset, length) {
      setWord(vectors + index * vectorSize, address + offset);
      setWord(vectors + index * vectorSize + 8, length);
    },
    vectorAddress,
    vectorRange(first, count) {
      setWord(header + 16, vectorAddress(first));
      setWord(header + 24, count);
    },
    name(socketAddress) {
      bytes.set(socketAddress, name);
      setWord(header, address + name);
      view.setUint32(header + 8, nameSize, true);
    },
    awaitName() {
      setWord(header, address + name);
      view.setUint32(header + 8, nameSize, true);
    },
    source: () => view.getUint32(name + 4),
    control(level, type, value) {
      setWord(header + 32, value === null ? 0 : address + control);
      setWord(header + 40, value === null ? 0 : controlHeader + 8);
      if (value === null) return;
      setWord(control, controlHeader + 2);
      view.setInt32(control + 8, level, true);
      view.setInt32(control + 12, type, true);
      view.setUint16(control + controlHeader, value, true);
    },
    awaitControl() {
      setWord(header + 32, address + control);
      setWord(header + 40, controlSize);
    },
    controlValue(level, type) {
      if (view.getUint32(header + 40, true) < controlHeader + 4) return null;
      if (view.getInt32(control + 8, true) !== level || view.getInt32(control + 12, true) !== type)
        return null;
      return view.getInt32(control + controlHeader, true);
    },
  };
}
