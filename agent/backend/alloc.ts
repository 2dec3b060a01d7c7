import type { Backend, ExternalInterface } from './backend.ts';
import { type Own, peerState, sortLeases } from './peers.ts';

/** flannel's alloc backend (pkg/backend/alloc): subnets are leased, somebody else carries the packets. */
export async function createAlloc(external: ExternalInterface): Promise<Backend> {
  let place: Own | null = null;
  return {
    // flannel's alloc writes no type into its lease.
    attributes: {},
    mtu: external.mtu,
    async start(network, own) {
      place = { network, subnet: own, publicIp: external.publicIp };
    },
    async program(peers) {
      if (place === null) throw new Error('start comes before program');
      const sorted = sortLeases<null>(place, peers, () => ({ use: null }));
      return { peers: sorted.map((each) => peerState(each, new Map())), repairs: 0 };
    },
    device: () => null,
    traffic: () => null,
    descriptors: () => null,
    stop: async () => {},
  };
}
