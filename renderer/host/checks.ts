import type { LiveHost } from '../../contract/live.ts';
import type { Health } from '../stream/verdict.ts';
import { isWithin } from './address.ts';

/** Something that must agree with something else on a host, and whether it does. */
export interface Check {
  readonly health: Health;
  readonly sentence: string;
}

const unknown = (sentence: string): Check => ({ health: 'stale', sentence });

function checkBridge(bip: string | null, subnet: string | null): Check {
  if (bip === null) return unknown("Docker's bip is not known");
  if (subnet === null) return unknown(`bip ${bip}; there is no lease to compare it with`);
  return isWithin(bip, subnet)
    ? { health: 'good', sentence: `match: bip ${bip} is in the lease ${subnet}` }
    : {
        health: 'bad',
        sentence: `mismatch: bip ${bip} is not in the lease ${subnet}, so pods here get addresses that other hosts do not route to`,
      };
}

function checkMtu(docker: number | null, overlay: { name: string; mtu: number } | null): Check {
  if (docker === null) return unknown("Docker's MTU is not known");
  if (overlay === null) return unknown(`MTU ${docker}; there is no overlay device to compare it with`);
  if (docker === overlay.mtu)
    return { health: 'good', sentence: `match: MTU ${docker} is that of ${overlay.name}` };
  return docker > overlay.mtu
    ? {
        health: 'bad',
        sentence: `mismatch: MTU ${docker} is more than the ${overlay.mtu} of ${overlay.name}, so large packets get lost`,
      }
    : {
        health: 'warning',
        sentence: `mismatch: MTU ${docker} is less than the ${overlay.mtu} of ${overlay.name}; it works, with smaller packets than could be`,
      };
}

/** Whether Docker uses what the overlay gave this host: its subnet and its MTU. Pure. */
export function checkDocker({ status, links }: Pick<LiveHost, 'status' | 'links'>): Check[] {
  const { agent, docker } = status;
  const device = links.find(({ role }) => role === 'overlay') ?? agent?.device ?? null;
  // host-gw has no device of its own; what counts is the MTU that the agent gave out.
  const overlay =
    device !== null
      ? { name: device.name, mtu: device.mtu }
      : agent?.mtu != null
        ? { name: 'the overlay', mtu: agent.mtu }
        : null;
  return [checkBridge(docker?.bip ?? null, agent?.subnet ?? null), checkMtu(docker?.mtu ?? null, overlay)];
}
