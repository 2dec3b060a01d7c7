import type { AgentPeer, AgentTraffic } from '../../contract/agent.ts';
import type { Cidr } from '../../contract/ipv4.ts';
import type { RunningDatapath } from '../inherited.ts';
import type { Lease } from '../lease/lease.ts';

/** The interface that carries the overlay's outer packets. `address` and `publicIp` are unsigned 32-bit numbers. */
export interface ExternalInterface {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly address: number;
  readonly publicIp: number;
}

/** What a backend adds to the value of our own lease, exactly as flannel writes it; undefined keys are left out. */
export interface LeaseAttributes {
  readonly BackendType?: string;
  readonly BackendData?: unknown;
}

/** What one pass of `program` did: how every peer stands, and how many entries of the kernel had to be put right. */
export interface Programmed {
  readonly peers: readonly AgentPeer[];
  readonly repairs: number;
}

/**
 * A backend turns leases into kernel state. It is made before our subnet is known (vxlan's MAC goes into the lease),
 * `start` gives it the subnet, and `program` is called with all other hosts' leases on every change and every few
 * seconds: it computes the desired state, compares it with the kernel's and repairs the difference.
 */
export interface Backend {
  readonly attributes: LeaseAttributes;
  /** MTU of the overlay in bytes: what `subnet.env` and Docker get. */
  readonly mtu: number;
  /** `known` are the peers of an earlier life, so that packets that wait for a device are not without a route. */
  start(network: Cidr, own: Cidr, known: readonly Lease[]): Promise<void>;
  program(peers: readonly Lease[], signal: AbortSignal): Promise<Programmed>;
  /** The overlay's device as `ip addr` shows it; null for host-gw. */
  device(): { readonly name: string; readonly address: string; readonly mtu: number } | null;
  /** What was carried and dropped since our start, also per peer; null where the kernel carries the packets. */
  traffic(): AgentTraffic | null;
  /** What a process after us needs to carry on with the same device; null where the kernel works without us. */
  descriptors(): RunningDatapath | null;
  /** Ends what needs this process (flannel0); what works without it (vxlan, host-gw) stays, as with flannel. */
  stop(): Promise<void>;
}
