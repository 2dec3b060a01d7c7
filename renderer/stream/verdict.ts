import type { ProbeResult } from '../../contract/probe.ts';
import type { LabState } from './state.ts';

/** The health of something, worst last; every colour on screen is one of these, and never without a word. */
export type Health = 'good' | 'working' | 'stale' | 'warning' | 'bad';

/** The answer that the screens begin with: is the network flat and healthy, and if not, which pair, which layer, since when. */
export interface Verdict {
  readonly health: Health;
  readonly sentence: string;
  readonly pairs: number;
  readonly greenPairs: number;
  readonly rttMilliseconds: number | null;
  readonly mtu: string | null;
  readonly measuredAt: string | null;
  readonly worst: ProbeResult | null;
}

const layerOf: Record<ProbeResult['kind'], string> = {
  ping: 'no answer to ping',
  mtu: 'wrong MTU',
  source: 'source address is translated',
  http: 'port does not answer',
};

const count = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;

/** Middle of the numbers (the lower one of two). */
export function median(numbers: readonly number[]): number | null {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** What the probes say together, whatever the hosts do. */
interface Measured {
  readonly pairs: number;
  readonly greenPairs: number;
  readonly rttMilliseconds: number | null;
  readonly mtu: string | null;
  readonly newest: string;
  readonly worst: ProbeResult | null;
}

function measure(results: Iterable<ProbeResult>): Measured {
  const pairs = new Map<string, boolean>();
  const times: number[] = [];
  const red: ProbeResult[] = [];
  let newest = '';
  let mtu: string | null = null;
  for (const result of results) {
    const key = `${result.from.kind} ${result.from.name} ${result.to.name}`;
    pairs.set(key, (pairs.get(key) ?? true) && result.ok);
    if (result.at > newest) newest = result.at;
    if (!result.ok) red.push(result);
    else if (result.kind === 'ping' && result.milliseconds !== null) times.push(result.milliseconds);
    else if (result.kind === 'mtu' && result.path === 'cross-host') mtu = result.seen;
  }
  red.sort((one, other) => (one.at < other.at ? -1 : 1));
  let greenPairs = 0;
  for (const green of pairs.values()) if (green) greenPairs += 1;
  return {
    pairs: pairs.size,
    greenPairs,
    rttMilliseconds: median(times),
    mtu,
    newest,
    worst: red[0] ?? null,
  };
}

const measured = new WeakMap<ReadonlyMap<string, ProbeResult>, Measured>();

/** The same for a collection that never changes, counted once: verdicts are asked for at every event of the stream. */
function measureOnce(results: ReadonlyMap<string, ProbeResult>): Measured {
  const known = measured.get(results);
  if (known !== undefined) return known;
  const all = measure(results.values());
  measured.set(results, all);
  return all;
}

const listNames = (names: readonly string[]) =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** A sentence of what nobody can measure just now: the lab is being changed, lost, or not complete. */
function sentenceOfHosts(state: LabState): Pick<Verdict, 'health' | 'sentence'> | null {
  if (state.state === 'busy') return { health: 'working', sentence: 'The lab is being changed' };
  const lost: string[] = [];
  for (const { name, reach } of state.hosts.values()) if (reach.kind === 'reconnecting') lost.push(name);
  if (lost.length > 0)
    return { health: 'bad', sentence: `${count(lost.length, 'host')} lost: ${listNames(lost)}` };
  if (state.state === 'half-built') return { health: 'warning', sentence: 'The lab is only half-built' };
  return null;
}

function sentenceOfPairs(
  { pairs, greenPairs, worst, newest }: Measured,
  now: number,
): Pick<Verdict, 'health' | 'sentence'> {
  if (worst !== null) {
    const failing = `${pairs - greenPairs} of ${count(pairs, 'pair')} ${pairs - greenPairs === 1 ? 'fails' : 'fail'}`;
    return {
      health: 'bad',
      sentence: `${failing}: ${worst.from.name} → ${worst.to.name}, ${layerOf[worst.kind]}`,
    };
  }
  if (pairs === 0) return { health: 'stale', sentence: 'Reachability has not been measured yet' };
  const old = now - Date.parse(newest) > 15 * 60_000;
  return {
    health: old ? 'stale' : 'good',
    sentence:
      pairs === 1 ? '1 of 1 pair reaches each other' : `${greenPairs} of ${pairs} pairs reach each other`,
  };
}

/** Puts what is known of a lab into one sentence and its numbers. Pure; `now` is Unix time in ms. */
export function verdictOf(state: LabState, results: Iterable<ProbeResult>, now: number): Verdict {
  return judge(state, measure(results), now);
}

/** The verdict on what the stream told of a lab. Cheap: probes are only counted when there are new ones. */
export const verdictOfLab = (state: LabState, now: number): Verdict =>
  judge(state, measureOnce(state.probes), now);

function judge(state: LabState, all: Measured, now: number): Verdict {
  const { newest, ...numbers } = all;
  return {
    ...numbers,
    measuredAt: newest === '' ? null : newest,
    ...(sentenceOfHosts(state) ?? sentenceOfPairs(all, now)),
  };
}

/** Since when a cell is red, as far as the history tells; the time of its result where it does not. */
export function redSince({ history }: Pick<LabState, 'history'>, red: ProbeResult): string {
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const entry = history[index];
    if (entry?.subject !== 'probe' || entry.pair === null) continue;
    const { from, to, kind } = entry.pair;
    if (from === red.from.name && to === red.to.name && kind === red.kind)
      return entry.level === 'bad' ? entry.at : red.at;
  }
  return red.at;
}
