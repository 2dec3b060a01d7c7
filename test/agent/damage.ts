export const backends = ['vxlan', 'host-gw', 'udp'] as const;
export type BackendName = (typeof backends)[number];

/** What others do to the kernel of the first host. */
export const damages: readonly {
  readonly name: string;
  readonly types: readonly BackendName[];
  readonly script: string;
}[] = [
  { name: 'device deleted', types: ['vxlan'], script: 'ip link delete flannel.1' },
  { name: 'device deleted', types: ['udp'], script: 'ip link delete flannel0' },
  { name: 'device down', types: ['vxlan'], script: 'ip link set flannel.1 down' },
  { name: 'device down', types: ['udp'], script: 'ip link set flannel0 down' },
  { name: 'address removed', types: ['vxlan'], script: 'ip addr flush dev flannel.1' },
  { name: 'address removed', types: ['udp'], script: 'ip addr flush dev flannel0' },
  { name: 'routes flushed', types: ['vxlan'], script: 'ip route flush dev flannel.1' },
  { name: 'routes flushed', types: ['udp'], script: 'ip route flush dev flannel0' },
  { name: 'routes flushed', types: ['host-gw'], script: 'ip route delete 10.5.2.0/24' },
  { name: 'neighbours flushed', types: ['vxlan'], script: 'ip neigh flush nud permanent dev flannel.1' },
  {
    name: 'forwarding entries flushed',
    types: ['vxlan'],
    script:
      'bridge fdb show dev flannel.1 | while read -r mac rest; do bridge fdb del "$mac" dev flannel.1; done',
  },
  {
    name: 'iptables flushed',
    types: backends,
    script: 'iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X',
  },
  { name: 'forwarding off', types: backends, script: 'sysctl -qw net.ipv4.ip_forward=0' },
  {
    name: 'link flapped',
    types: backends,
    script: 'ip link set eth0 down; ip link set eth0 up; ip route replace default via 192.168.50.1',
  },
];
