import { errors, type System } from '../../kernel/native.ts';
import type { RouteMemory } from './routes.ts';

/** What became of one try to carry packets: `idle` when there were none, `gone` when the device is no more. */
export type Outcome = 'carried' | 'idle' | 'gone';

/** One direction: what it waits for, and how it carries what one call gives. */
export interface Direction {
  readonly waitsFor: number;
  carry(): Outcome;
}

/** What a direction works with. */
export interface DirectionOrder {
  readonly tun: number;
  readonly segments: boolean;
  readonly offloads: boolean;
  readonly socket: number;
  readonly replies: number;
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
