import type { ProbeKind, ProbeResult } from '../../contract/probe.ts';
import { kinds } from './cell.ts';
import { type Freshness, isStale } from './freshness.ts';
import { type RampRange, rampRange } from './ramp.ts';

/** Cells of one kind; `stale` ones were green, and are not counted as green any more. */
export interface Total {
  readonly green: number;
  readonly stale: number;
  readonly all: number;
}

/** The ends that have a red cell, by `endKey`: pods, hosts and all that is on a host. */
export interface RedEnds {
  readonly sources: ReadonlySet<string>;
  readonly targets: ReadonlySet<string>;
}

/** What one walk over all results finds. `range` is that of the RTTs. */
export interface Summary {
  readonly totals: Record<ProbeKind, Total>;
  readonly red: Record<ProbeKind, RedEnds>;
  readonly range: RampRange | null;
}

const byKind = <T>(of: (kind: ProbeKind) => T): Record<ProbeKind, T> => ({
  ping: of('ping'),
  mtu: of('mtu'),
  source: of('source'),
  http: of('http'),
});

/** Counts all results and notes where the red ones are. One walk. */
export function summarise(results: Iterable<ProbeResult>, freshness: Freshness): Summary {
  const totals = byKind(() => ({ green: 0, stale: 0, all: 0 }));
  const red = byKind(() => ({ sources: new Set<string>(), targets: new Set<string>() }));
  const times: number[] = [];
  for (const result of results) {
    const { kind, from, to, ok, milliseconds } = result;
    const total = totals[kind];
    total.all += 1;
    if (!ok) {
      red[kind].sources.add(`${from.kind} ${from.name}`).add(`all ${from.host}`);
      red[kind].targets.add(`${to.kind} ${to.name}`).add(`all ${to.host}`);
    } else if (isStale(result, freshness)) total.stale += 1;
    else total.green += 1;
    if (kind === 'ping' && milliseconds !== null) times.push(milliseconds);
  }
  return { totals, red, range: rampRange(times) };
}

/** Whether an end has a red cell of one of these kinds, as a source or as a target. */
export const isRed = (
  { red }: Summary,
  side: keyof RedEnds,
  key: string,
  shown: readonly ProbeKind[] = kinds,
): boolean => shown.some((kind) => red[kind][side].has(key));

/** The key of an ordered pair of hosts, with everything on them. */
export const hostPairKey = (from: string, to: string): string => `${from} ${to}`;

/** All results between two hosts, for a matrix whose ends are hosts; keys are those of `hostPairKey`. */
export function bundleByHost(results: Iterable<ProbeResult>): ReadonlyMap<string, readonly ProbeResult[]> {
  const bundles = new Map<string, ProbeResult[]>();
  for (const result of results) {
    const key = hostPairKey(result.from.host, result.to.host);
    const bundle = bundles.get(key);
    if (bundle === undefined) bundles.set(key, [result]);
    else bundle.push(result);
  }
  return bundles;
}
