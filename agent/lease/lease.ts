import type { Cidr } from '../../contract/ipv4.ts';

/**
 * One host's lease as etcd holds it (flannel's pkg/lease). `publicIp` is an unsigned 32-bit number. `backendType` is
 * `udp` when the value names none, as flannel's udp backend writes it. `backendData` is whatever the value carried:
 * each backend parses its own.
 */
export interface Lease {
  readonly subnet: Cidr;
  readonly publicIp: number;
  readonly backendType: string;
  readonly backendData: unknown;
}
