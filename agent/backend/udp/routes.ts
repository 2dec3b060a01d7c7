import type { Cidr } from '../../../contract/ipv4.ts';

/** A peer's subnet and the address that its packets are sent to. */
export interface UdpRoute {
  readonly subnet: Cidr;
  readonly nextHop: number;
}

const baseOf = (address: number, length: number): number => address - (address % 2 ** (32 - length));

/** Makes a lookup of the next hop by the longest prefix that contains an address; null when none does. */
export function routeLookup(routes: readonly UdpRoute[]): (destination: number) => number | null {
  const byLength = new Map<number, Map<number, number>>();
  for (const { subnet, nextHop } of routes) {
    const bases = byLength.get(subnet.length) ?? new Map<number, number>();
    bases.set(subnet.base, nextHop);
    byLength.set(subnet.length, bases);
  }
  const lengths = [...byLength].sort(([one], [other]) => other - one);
  // Packets come in bursts to one destination.
  let last = -1;
  let lastHop: number | null = null;
  return (destination) => {
    if (destination === last) return lastHop;
    last = destination;
    lastHop = null;
    for (const [length, bases] of lengths) {
      lastHop = bases.get(baseOf(destination, length)) ?? null;
      if (lastHop !== null) break;
    }
    return lastHop;
  };
}
