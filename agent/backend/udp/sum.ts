import type { Memory } from '../../kernel/native.ts';
import { fold, sumWords } from './packet.ts';

/*
 * The sum of a packet's words is most of what a packet costs here. WebAssembly adds sixteen bytes at a time, some five times
 * faster than JavaScript; where there is none, JavaScript does it.
 */

/** As `sumWords`: the sum of the 16-bit words of some bytes, folded to 16 bits. */
export type Sum = (bytes: DataView, offset: number, length: number) => number;

/* WebAssembly's binary format (WebAssembly Core Specification 2.0, 5). */
const opcode = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  load8: 0x2d,
  load16: 0x2f,
  constant: 0x41,
  lessUnsigned: 0x49,
  add: 0x6a,
  subtract: 0x6b,
  simd: 0xfd,
} as const;
const simd = { load: 0x00, extractLane: 0x1b, addPairs: 0x7f, add: 0xae } as const;
const type = { i32: 0x7f, v128: 0x7b, function: 0x60, nothing: 0x40 } as const;
const section = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 } as const;
const memoryKind = 2;

const lanes = 16;
/** Bytes that one turn of the longest loop adds. */
const stride = 4 * lanes;
/** Parameters and variables of the function. */
const [from, to, rest, sums, others] = [0, 1, 2, 3, 4];

/** A number that is not negative in LEB128. */
function number(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...number(value >>> 7)];
}
/** The same, but for a signed number's place: its highest bit must not be its sign. */
const signed = (value: number): number[] =>
  value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
const vector = (code: number, ...rest: readonly number[]): number[] => [
  opcode.simd,
  ...number(code),
  ...rest,
];
const part = (id: number, bytes: readonly number[]): number[] => [id, ...number(bytes.length), ...bytes];
const text = (value: string): number[] => [value.length, ...Buffer.from(value)];

/** Adds the 16-bit words at `from` + `offset`, in pairs, to a variable's four sums. */
const addAt = (offset: number, variable: number): number[] => [
  ...[opcode.get, variable],
  ...[opcode.get, from, ...vector(simd.load, 0, ...number(offset))],
  ...vector(simd.addPairs),
  ...vector(simd.add),
  ...[opcode.set, variable],
];
const lane = (index: number): number[] => [opcode.get, sums, ...vector(simd.extractLane, index)];
const constant = (value: number): number[] => [opcode.constant, ...signed(value)];
/** While that many bytes are left: does something to them, and goes on behind them. */
const eachOf = (size: number, work: readonly number[]): number[] => [
  ...[opcode.block, type.nothing, opcode.loop, type.nothing],
  ...[opcode.get, to, opcode.get, from, opcode.subtract, ...constant(size)],
  ...[opcode.lessUnsigned, opcode.branchIf, 1],
  ...work,
  ...[opcode.get, from, ...constant(size), opcode.add, opcode.set, from],
  ...[opcode.branch, 0, opcode.end, opcode.end],
];
/** Adds what an instruction loads at `from`, at any alignment. */
const addLoaded = (load: number): number[] => [
  ...[opcode.get, rest, opcode.get, from, load, 0, 0, opcode.add, opcode.set, rest],
];

/** `sum(from, to)`: of the little-endian words of some bytes; 64 KiB never overflow it. */
const body = [
  // Two groups of variables: one number, then two of four sums each.
  ...[2, 1, type.i32, 2, type.v128],
  ...eachOf(stride, [
    ...addAt(0, sums),
    ...addAt(lanes, others),
    ...addAt(2 * lanes, sums),
    ...addAt(3 * lanes, others),
  ]),
  ...eachOf(lanes, addAt(0, sums)),
  ...eachOf(2, addLoaded(opcode.load16)),
  ...eachOf(1, addLoaded(opcode.load8)),
  ...[opcode.get, sums, opcode.get, others, ...vector(simd.add), opcode.set, sums],
  ...[opcode.get, rest, ...lane(0), opcode.add, ...lane(1), opcode.add, ...lane(2), opcode.add],
  ...[...lane(3), opcode.add, opcode.end],
];
const program = (pages: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...part(section.types, [1, type.function, 2, type.i32, type.i32, 1, type.i32]),
    ...part(section.imports, [
      1,
      ...text('m'),
      ...text('m'),
      memoryKind,
      1,
      ...number(pages),
      ...number(pages),
    ]),
    ...part(section.functions, [1, 0]),
    ...part(section.exports, [1, ...text('sum'), 0, 0]),
    ...part(section.code, [1, ...number(body.length), ...body]),
  ]);

const pageSize = 65536;

/** A sum for packets in this memory; for others it is `sumWords`. */
export function sumIn({ buffer, memory }: Memory): Sum {
  if (memory === undefined) return sumWords;
  let exported: unknown;
  try {
    const module = new WebAssembly.Module(program(buffer.byteLength / pageSize));
    exported = new WebAssembly.Instance(module, { m: { m: memory } }).exports['sum'];
  } catch {
    // A processor without such instructions.
    return sumWords;
  }
  if (typeof exported !== 'function') return sumWords;
  const call = exported;
  return (bytes, offset, length) => {
    if (bytes.buffer !== buffer || bytes.byteOffset !== 0) return sumWords(bytes, offset, length);
    const sum = fold(Number(call(offset, offset + length)) >>> 0);
    return ((sum & 0xff) << 8) | (sum >> 8);
  };
}
