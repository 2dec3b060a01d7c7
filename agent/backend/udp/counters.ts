/** Why a packet was not carried. */
const drops = [
  'too-short',
  'not-ipv4',
  'bad-length',
  'too-big',
  'ttl',
  'no-route',
  /** A datagram from an address that is no peer's. */
  'unknown-peer',
  /** A packet from an address that isn't in its sender's subnet. */
  'spoofed',
  /** The kernel refused to take it: no buffers, or the device or the underlay is down. */
  'refused',
] as const;
export type Drop = (typeof drops)[number];

/** One direction's counts since the datapath's start. */
export interface DirectionCounters {
  readonly packets: number;
  readonly bytes: number;
  readonly drops: Readonly<Record<Drop, number>>;
}

const slot = new Map<Drop, number>(drops.map((drop, index) => [drop, index + 2]));

/** Memory for one direction's counts: its worker writes them, the main thread reads them. */
export const makeCounterMemory = (): SharedArrayBuffer => new SharedArrayBuffer(8 * (2 + drops.length));

/** Counting in a worker. A number is 64 bits and has one writer, so plain stores do. */
export function countInto(memory: SharedArrayBuffer) {
  const numbers = new Float64Array(memory);
  const add = (index: number, by: number): void => {
    numbers[index] = (numbers[index] ?? 0) + by;
  };
  return {
    carried(bytes: number, packets = 1): void {
      add(0, packets);
      add(1, bytes);
    },
    dropped(drop: Drop, packets = 1): void {
      add(slot.get(drop) ?? 0, packets);
    },
  };
}

export function readCounters(memory: SharedArrayBuffer): DirectionCounters {
  const numbers = new Float64Array(memory);
  const at = (index: number | undefined): number => numbers[index ?? -1] ?? 0;
  const count = (drop: Drop): number => at(slot.get(drop));
  return {
    packets: at(0),
    bytes: at(1),
    drops: {
      'too-short': count('too-short'),
      'not-ipv4': count('not-ipv4'),
      'bad-length': count('bad-length'),
      'too-big': count('too-big'),
      ttl: count('ttl'),
      'no-route': count('no-route'),
      'unknown-peer': count('unknown-peer'),
      spoofed: count('spoofed'),
      refused: count('refused'),
    },
  };
}
