import type { Lease } from '../lease/lease.ts';
import { rememberLast } from '../remember.ts';
import type { Backend, ExternalInterface } from './backend.ts';
import { createPeerStates, type Own, sortLeases } from './peers.ts';

/** flannel's alloc backend (pkg/backend/alloc): subnets are leased, somebody else carries the packets. */
export async function createAlloc(external: ExternalInterface): Promise<Backend> {
  let place: Own | null = null;
  const sortedOf = rememberLast((own: Own, peers: readonly Lease[]) =>
    sortLeases<null>(own, peers, () => ({ use: null })),
  );
  const statesOf = createPeerStates<null>();
  return {
    // flannel's alloc writes no type into its lease.
    attributes: {},
    mtu: external.mtu,
    async start(network, own) {
      place = { network, subnet: own, publicIp: external.publicIp };
    },
    async program(peers) {
      if (place === null) throw new Error('start comes before program');
      const sorted = sortedOf(place, peers);
      return { peers: statesOf(sorted, new Map()), repairs: 0 };
    },
    device: () => null,
    traffic: () => null,
    descriptors: () => null,
    stop: async () => {},
  };
}
