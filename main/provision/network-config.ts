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
