import type { Remains } from '../inherited.ts';
import type { BackendConfig } from '../lease/config.ts';
import { createAlloc } from './alloc.ts';
import type { Backend, ExternalInterface } from './backend.ts';
import { createHostGw } from './host-gw.ts';
import { createUdp } from './udp/udp.ts';
import { createVxlan } from './vxlan.ts';

/** Makes the backend that the network's configuration names; `remains` are what an earlier one carried udp's packets with. */
export function createBackend(
  config: BackendConfig,
  external: ExternalInterface,
  remains: Remains = { tun: null, socket: null },
): Promise<Backend> {
  switch (config.type) {
    case 'vxlan':
      return createVxlan(config, external);
    case 'udp':
      return createUdp(config, external, remains);
    case 'host-gw':
      return createHostGw(external);
    case 'alloc':
      return createAlloc(external);
  }
}
