import { errors, type System } from '../../kernel/native.ts';
import type { RouteMemory } from './routes.ts';

/** What became of one try to carry packets: `idle` when there were none, `gone` when the device is no more. */
export type Outcome = 'carried' | 'idle' | 'gone';

/** One direction: what it waits for, and how it carries what one call gives. */
export interface Direction {
  readonly waitsFor: number;
  /** Takes what one call gives; the last of it may wait for what comes next. */
  carry(): Outcome;
  /** Hands on what waits. To be called before waiting for more. */
  flush(): void;
}

/** What a direction works with. */
export interface DirectionOrder {
  readonly tun: number;
  /** Whether the TUN takes and gives many segments of TCP as one packet. */
  readonly segments: boolean;
  /** Whether it does so with datagrams of UDP as well. */
  readonly datagrams: boolean;
  /** Whether many datagrams may go and come in one call. */
  readonly offloads: boolean;
  readonly socket: number;
  /** A raw socket for ICMP errors. */
  readonly replies: number;
  /** The TUN's own address, the source of its ICMP errors. */
  readonly address: number;
  readonly port: number;
  readonly mtu: number;
  readonly counters: SharedArrayBuffer;
  readonly routes: RouteMemory;
}

/** What a read that failed means. */
export function failedRead(system: System): Outcome {
  const errno = system.errno();
  return errno === errors.badState || errno === errors.badDescriptor ? 'gone' : 'idle';
}
