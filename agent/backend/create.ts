import type { InheritedDatapath } from '../inherited.ts';
import type { BackendConfig } from '../lease/config.ts';
import { createAlloc } from './alloc.ts';
import type { Backend, ExternalInterface } from './backend.ts';
import { createHostGw } from './host-gw.ts';
import { createUdp } from './udp/udp.ts';
import { createVxlan } from './vxlan.ts';

/** Makes the backend that the network's configuration names; `inherited` is what an earlier process carried udp's packets with. */
export function createBackend(
  config: BackendConfig,
  external: ExternalInterface,
  inherited: InheritedDatapath | null = null,
): Promise<Backend> {
  switch (config.type) {
    case 'vxlan':
      return createVxlan(config, external);
    case 'udp':
      return createUdp(config, external, inherited);
    case 'host-gw':
      return createHostGw(external);
    case 'alloc':
      return createAlloc(external);
  }
}
