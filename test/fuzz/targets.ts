import { fileTargets } from './files.ts';
import { fromWire } from './inward.ts';
import { leaseTargets } from './leases.ts';
import { netlinkTargets } from './netlink.ts';
import { fromTun } from './outward.ts';
import type { Target } from './target.ts';

/** All kinds of input that come from outside of the agent. */
export const targets: readonly Target[] = [
  ...leaseTargets,
  ...fileTargets,
  ...netlinkTargets,
  fromTun,
  fromWire,
];
