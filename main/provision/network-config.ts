import type { Backend } from '../../contract/lab.ts';

/** The `Backend` object with flannel's own key names (Documentation/backends.md). */
function backendConfig(backend: Backend): Record<string, unknown> {
  switch (backend.type) {
    case 'vxlan':
      return {
        Type: 'vxlan',
        VNI: backend.vni,
        Port: backend.port,
        DirectRouting: backend.directRouting,
      };
    case 'udp':
      return { Type: 'udp', Port: backend.port };
    case 'host-gw':
      return { Type: 'host-gw' };
  }
}

/** Bytes that the outer packet takes (flannel's backend/vxlan and backend/udp). */
const overhead: Record<Backend['type'], number> = { vxlan: 50, udp: 28, 'host-gw': 0 };

/** The overlay's MTU in bytes as it should be, whatever the agents say. */
export const overlayMtu = (underlayMtu: number, { type }: Backend): number => underlayMtu - overhead[type];

/** flannel's network configuration (JSON), as it stands under `<prefix>/config` in etcd. */
export const formatNetworkConfig = (network: {
  readonly cidr: string;
  readonly subnetLength: number;
  readonly backend: Backend;
}): string =>
  JSON.stringify({
    Network: network.cidr,
    SubnetLen: network.subnetLength,
    Backend: backendConfig(network.backend),
  });
