import type { LiveLab } from '../../../contract/live.ts';
import type { ProbeResult, Proof } from '../../../contract/probe.ts';
import { summarise } from '../../probe/proof.ts';
import { overlayMtu } from '../../provision/network-config.ts';

/** What a colour says; each comes with a word. */
export type Health = 'good' | 'warning' | 'bad' | 'stale';

/** Whether the network is flat and healthy, and if not, what is wrong with it, in one sentence and its numbers. */
export interface Verdict {
  readonly health: Health;
  readonly sentence: string;
  readonly proof: Proof;
  readonly expectedMtu: number;
  readonly lostHosts: readonly string[];
  readonly red: readonly ProbeResult[];
  /** When the newest of the results was measured (ISO 8601); null when there is none. */
  readonly measuredAt: string | null;
}

const layers: Record<ProbeResult['kind'], string> = {
  ping: 'no answer to ping',
  mtu: 'wrong MTU',
  source: 'source address is translated',
  http: 'port does not answer',
};

export const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

export const formatMilliseconds = (milliseconds: number): string =>
  milliseconds < 10 ? `${milliseconds.toFixed(2)} ms` : `${Math.round(milliseconds)} ms`;

/** Puts a lab into one sentence. Pure. */
export function verdictOf({ lab, state, hosts, probes }: LiveLab): Verdict {
  const expectedMtu = overlayMtu(lab.underlay.mtu, lab.network.backend);
  const proof = summarise(probes, expectedMtu);
  const red = probes.filter(({ ok }) => !ok).sort((one, other) => (one.at < other.at ? -1 : 1));
  const lostHosts = hosts.filter(({ reach }) => reach.kind === 'reconnecting').map(({ name }) => name);
  const measuredAt = probes.reduce<string | null>(
    (newest, { at }) => (newest === null || at > newest ? at : newest),
    null,
  );
  const numbers = { proof, expectedMtu, lostHosts, red, measuredAt };
  const [worst] = red;
  if (lostHosts.length > 0) {
    const names = lostHosts.slice(0, 3).join(', ');
    const more = lostHosts.length > 3 ? ` and ${lostHosts.length - 3} more` : '';
    return {
      ...numbers,
      health: 'bad',
      sentence: `${plural(lostHosts.length, 'host')} lost: ${names}${more}`,
    };
  }
  if (state === 'half-built')
    return { ...numbers, health: 'warning', sentence: 'The lab is only half-built' };
  if (worst !== undefined) {
    const { from, to, kind } = worst;
    const failing = `${proof.pairs - proof.greenPairs} of ${plural(proof.pairs, 'pair')} fail`;
    return {
      ...numbers,
      health: 'bad',
      sentence: `${failing}: ${from.name} → ${to.name}, ${layers[kind]}`,
    };
  }
  if (proof.pairs === 0)
    return { ...numbers, health: 'stale', sentence: 'Reachability has not been measured yet' };
  return {
    ...numbers,
    health: 'good',
    sentence: `${proof.greenPairs} of ${plural(proof.pairs, 'pair')} reach each other`,
  };
}
