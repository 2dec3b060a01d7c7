import { type Cidr, formatCidr } from '../../../contract/ipv4.ts';

/*
 * The peers' subnets and counts, in memory that the main thread and the workers share. There is no lock: a change is
 * written into that half of the table which nobody reads, and then a new generation says which half counts.
 */

/** A peer's subnet and the address that its packets are sent to. */
export interface UdpRoute {
  readonly subnet: Cidr;
  readonly nextHop: number;
}

/** More peers than that have no room; memory that is not used costs nothing. */
export const mostRoutes = 65536;
/** A place in a hash table has two sides at least, so that a search is short. */
const mostPlaces = 2 * mostRoutes;

/* A half in 32-bit words: places less one, then for each prefix length how many subnets have it; subnets; hosts. */
const lengthsAt = 1;
const subnetsAt = 40;
const subnetWords = 4;
const hostsAt = subnetsAt + mostPlaces * subnetWords;
const hostWords = 2;
const halfWords = hostsAt + mostPlaces * hostWords;
/** The generation is the first word. */
const firstHalf = 16;

/* A peer's counts: packets and bytes out, packets and bytes in. */
const counts = 4;

/** What the threads share. */
export interface RouteMemory {
  readonly table: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

export const makeRouteMemory = (): RouteMemory => ({
  table: new SharedArrayBuffer(4 * (firstHalf + 2 * halfWords)),
  counters: new SharedArrayBuffer(8 * counts * mostRoutes),
});

const baseOf = (address: number, length: number): number =>
  length === 0 ? 0 : (address & (-1 << (32 - length))) >>> 0;

const scatter = (value: number, length: number): number => {
  const mixed = Math.imul((value ^ (value >>> 15)) + length, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};

/** A peer's counts since it is known. */
export interface PeerCounters {
  readonly subnet: string;
  readonly outPackets: number;
  readonly outBytes: number;
  readonly inPackets: number;
  readonly inBytes: number;
}

/** Writing the table: the main thread's side, of which there is one. */
export function routeWriter({ table, counters }: RouteMemory) {
  const generation = new Int32Array(table, 0, 1);
  const words = new Uint32Array(table);
  const numbers = new Float64Array(counters);
  /** The place of each subnet's counts, and what they were when it came: the place may have been another's. */
  let known = new Map<string, { readonly slot: number; readonly before: readonly number[] }>();

  const read = (slot: number): number[] =>
    Array.from({ length: counts }, (_, index) => numbers[slot * counts + index] ?? 0);

  function assign(routes: readonly UdpRoute[]): number[] {
    const next: typeof known = new Map();
    const names = routes.map(({ subnet }) => formatCidr(subnet));
    for (const name of names) {
      const old = known.get(name);
      if (old !== undefined) next.set(name, old);
    }
    const taken = new Set([...next.values()].map(({ slot }) => slot));
    let free = 0;
    const slots = names.map((name) => {
      const old = next.get(name);
      if (old !== undefined) return old.slot;
      while (taken.has(free)) free += 1;
      taken.add(free);
      next.set(name, { slot: free, before: read(free) });
      return free;
    });
    known = next;
    return slots;
  }

  return {
    /** Makes these the routes; the first `mostRoutes` of them count. */
    publish(given: readonly UdpRoute[]): void {
      const routes = given.slice(0, mostRoutes);
      const slots = assign(routes);
      const next = ((generation[0] ?? 0) + 1) | 0;
      const half = firstHalf + (next & 1) * halfWords;
      let places = 16;
      while (places < 2 * routes.length) places *= 2;
      words.fill(0, half, half + subnetsAt);
      words.fill(0, half + subnetsAt, half + subnetsAt + places * subnetWords);
      words.fill(0, half + hostsAt, half + hostsAt + places * hostWords);
      words[half] = places - 1;
      for (const [index, { subnet, nextHop }] of routes.entries()) {
        const slot = slots[index] ?? 0;
        const lengthAt = half + lengthsAt + subnet.length;
        words[lengthAt] = (words[lengthAt] ?? 0) + 1;
        let place = scatter(subnet.base, subnet.length) & (places - 1);
        while (words[half + subnetsAt + place * subnetWords + 1] !== 0) place = (place + 1) & (places - 1);
        words.set([subnet.base, subnet.length + 1, nextHop, slot], half + subnetsAt + place * subnetWords);
        place = scatter(nextHop, 0) & (places - 1);
        for (;;) {
          const at = half + hostsAt + place * hostWords;
          if (words[at + 1] === 0) words.set([nextHop, slot + 1], at);
          if (words[at] === nextHop) break;
          place = (place + 1) & (places - 1);
        }
      }
      Atomics.store(generation, 0, next);
    },
    counters: (): PeerCounters[] =>
      [...known].map(([subnet, { slot, before }]) => {
        const [outPackets = 0, outBytes = 0, inPackets = 0, inBytes = 0] = read(slot).map(
          (value, index) => value - (before[index] ?? 0),
        );
        return { subnet, outPackets, outBytes, inPackets, inBytes };
      }),
  };
}

/** A worker's search, which leaves what it found in `nextHop` and `slot`: no object is made for a packet. */
export interface RouteReader {
  nextHop: number;
  slot: number;
  /** Finds the longest prefix that contains an address. */
  find(address: number): boolean;
  /** Finds a peer by its own address; `slot` is then that of its first subnet. */
  findHost(address: number): boolean;
  /** Counts for the peer in `slot`. */
  count(slot: number, packets: number, bytes: number): void;
}

/** Reading the table: a worker's side. */
export function routeReader({ table, counters }: RouteMemory, direction: 'out' | 'in'): RouteReader {
  const generation = new Int32Array(table, 0, 1);
  const words = new Uint32Array(table);
  const numbers = new Float64Array(counters);
  const side = direction === 'out' ? 0 : 2;
  // Packets come in bursts from or to one address.
  let last = -1;
  let lastGeneration = -1;
  let lastFound = false;

  function search(half: number, address: number): boolean {
    const mask = words[half] ?? 0;
    for (let length = 32; length >= 0; length -= 1) {
      if (words[half + lengthsAt + length] === 0) continue;
      const base = baseOf(address, length);
      let place = scatter(base, length) & mask;
      for (let tries = 0; tries <= mask; tries += 1) {
        const at = half + subnetsAt + place * subnetWords;
        const mark = words[at + 1];
        if (mark === 0) break;
        if (words[at] === base && mark === length + 1) {
          reader.nextHop = words[at + 2] ?? 0;
          reader.slot = words[at + 3] ?? 0;
          return true;
        }
        place = (place + 1) & mask;
      }
    }
    return false;
  }

  function searchHost(half: number, address: number): boolean {
    const mask = words[half] ?? 0;
    let place = scatter(address, 0) & mask;
    for (let tries = 0; tries <= mask; tries += 1) {
      const at = half + hostsAt + place * hostWords;
      const mark = words[at + 1] ?? 0;
      if (mark === 0) return false;
      if (words[at] === address) {
        reader.slot = mark - 1;
        return true;
      }
      place = (place + 1) & mask;
    }
    return false;
  }

  /** Searches until no change came in between: the half might have been written anew meanwhile. */
  function settled(look: (half: number, address: number) => boolean, address: number): boolean {
    for (;;) {
      lastGeneration = Atomics.load(generation, 0);
      const found = look(firstHalf + (lastGeneration & 1) * halfWords, address);
      if (Atomics.load(generation, 0) === lastGeneration) return found;
    }
  }

  const reader: RouteReader = {
    nextHop: 0,
    slot: 0,
    find(address) {
      if (address === last && Atomics.load(generation, 0) === lastGeneration) return lastFound;
      lastFound = settled(search, address);
      last = address;
      return lastFound;
    },
    findHost(address) {
      last = -1;
      return settled(searchHost, address);
    },
    count(slot, packets, bytes) {
      const at = slot * counts + side;
      numbers[at] = (numbers[at] ?? 0) + packets;
      numbers[at + 1] = (numbers[at + 1] ?? 0) + bytes;
    },
  };
  return reader;
}
