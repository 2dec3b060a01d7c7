import { makeRouteMemory, type RouteMemory, routeWriter } from '../../agent/backend/udp/routes.ts';
import type { Random } from './random.ts';

/** The peers of the datapath's targets; one has two subnets, and one subnet lies in another's. */
const peers = [
  { subnet: { base: 0x0a050200, length: 24 }, nextHop: 0xc0a8320c },
  { subnet: { base: 0x0a050300, length: 24 }, nextHop: 0xc0a8320d },
  { subnet: { base: 0x0a050380, length: 25 }, nextHop: 0xc0a8320e },
  { subnet: { base: 0x0a050400, length: 24 }, nextHop: 0xc0a8320d },
] as const;

/** Where a packet to or from an address goes or comes from; null when nobody has it. */
export function peerOf(address: number): number | null {
  let best: { readonly length: number; readonly nextHop: number } | null = null;
  for (const { subnet, nextHop } of peers) {
    const size = 2 ** (32 - subnet.length);
    if (address < subnet.base || address >= subnet.base + size) continue;
    if (best === null || subnet.length > best.length) best = { length: subnet.length, nextHop };
  }
  return best?.nextHop ?? null;
}

export const isHost = (address: number): boolean => peers.some(({ nextHop }) => nextHop === address);

export const makePeers = (): RouteMemory => {
  const memory = makeRouteMemory();
  routeWriter(memory).publish(peers);
  return memory;
};

const remote = [
  0x0a050202, 0x0a050203, 0x0a050302, 0x0a050382, 0x0a050402, 0xc0a8320c, 0x0a050902, 0,
] as const;
export const hosts = [0xc0a8320c, 0xc0a8320d, 0xc0a8320e, 0xc0a83263] as const;
export const remoteOf = (random: Random): number =>
  random.chance(0.95) ? random.pick(remote) : random.word();
export const localOf = (random: Random): number => (random.chance(0.95) ? 0x0a050102 : random.word());
