import { errors, type System } from '../../kernel/native.ts';
import type { UdpRoute } from './routes.ts';

/** What became of one try to carry packets: `idle` when there were none, `gone` when the device is no more. */
export type Outcome = 'carried' | 'idle' | 'gone';

/** One direction: what it waits for, how it carries what one call gives, and what it does with new routes. */
export interface Direction {
  readonly waitsFor: number;
  carry(): Outcome;
  route(routes: readonly UdpRoute[]): void;
}

/** What a direction works with. */
export interface DirectionOrder {
  readonly tun: number;
  readonly segments: boolean;
  readonly socket: number;
  readonly replies: number;
  readonly address: number;
  readonly port: number;
  readonly mtu: number;
  readonly counters: SharedArrayBuffer;
}

/** What a read that failed means. */
export function failedRead(system: System): Outcome {
  const errno = system.errno();
  return errno === errors.badState || errno === errors.badDescriptor ? 'gone' : 'idle';
}
