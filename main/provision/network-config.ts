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

/** What a backend puts around each packet, outermost first (flannel's backend/vxlan and backend/udp); sizes in bytes. */
export function backendHeaders({ type }: Backend): { name: string; bytes: number }[] {
  const ipv4 = { name: 'outer IPv4', bytes: 20 };
  const udp = { name: 'UDP', bytes: 8 };
  switch (type) {
    case 'vxlan':
      return [ipv4, udp, { name: 'VXLAN', bytes: 8 }, { name: 'inner Ethernet', bytes: 14 }];
    case 'udp':
      return [ipv4, udp];
    case 'host-gw':
      return [];
  }
}

/** The overlay's MTU in bytes as it should be, whatever the agents say. */
export const overlayMtu = (underlayMtu: number, backend: Backend): number =>
  backendHeaders(backend).reduce((left, { bytes }) => left - bytes, underlayMtu);

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
