import type { ProbeResult } from '../../contract/probe.ts';
import type { LabState } from '../stream/state.ts';

/** After so many ms a measurement says nothing of now. */
const shelfLife = 15 * 60_000;

/**
 * When measurements are still to be believed: not those from before `oldest`, nor from before their hosts' present state began
 * (`since`, by host). Moments are UTC as the contract writes them, so they compare as text: a matrix has many.
 */
export interface Freshness {
  readonly oldest: string;
  readonly since: ReadonlyMap<string, string>;
  readonly lost: ReadonlySet<string>;
}

const toText = (moment: number) => new Date(moment).toISOString();

/** What is known of hosts, as far as it tells whether a measurement is stale at a moment (Unix ms). */
export function freshnessOf(state: Pick<LabState, 'hosts' | 'createdAt'>, now: number): Freshness {
  const since = new Map<string, string>();
  const lost = new Set<string>();
  const created = Date.parse(state.createdAt);
  for (const { name, reach, bootedAt } of state.hosts.values()) {
    // A second of grace: a host's clock is not ours.
    const booted = bootedAt === null ? 0 : Date.parse(bootedAt) - 1000;
    since.set(name, toText(Math.max(created, booted)));
    if (reach.kind === 'reconnecting') lost.add(name);
  }
  return { oldest: toText(now - shelfLife), since, lost };
}

/** At an earlier moment, what was measured until then is judged by its age alone. */
export const freshnessAt = (moment: number): Freshness => ({
  oldest: toText(moment - shelfLife),
  since: new Map(),
  lost: new Set(),
});

/** Whether two judge the same. */
export const equalFreshness = (one: Freshness, other: Freshness): boolean =>
  one.oldest === other.oldest &&
  one.lost.size === other.lost.size &&
  [...one.lost].every((name) => other.lost.has(name)) &&
  one.since.size === other.since.size &&
  [...one.since].every(([name, since]) => other.since.get(name) === since);

/** Too old, from before a host started anew, or a good word about a host that is lost since. */
export function isStale({ at, from, to, ok }: ProbeResult, { oldest, since, lost }: Freshness): boolean {
  if (at < oldest || at < (since.get(from.host) ?? '') || at < (since.get(to.host) ?? '')) return true;
  return ok && (lost.has(from.host) || lost.has(to.host));
}
