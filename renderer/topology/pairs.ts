import type { ProbeKind, ProbeResult } from '../../contract/probe.ts';
import { type Health, median } from '../stream/verdict.ts';

/** What the probes between two hosts say, both directions together. `mtu` is the smallest path MTU found, in bytes. */
export interface Pair {
  readonly one: string;
  readonly other: string;
  readonly cells: number;
  readonly greenCells: number;
  readonly rttMilliseconds: number | null;
  readonly mtu: number | null;
  readonly measuredAt: string;
  readonly worst: ProbeResult | null;
}

/** The key of two hosts, whichever is named first. */
export const pairKey = (one: string, other: string): string =>
  one < other ? `${one} ${other}` : `${other} ${one}`;

/** Bytes in what an MTU probe saw, such as `1450 bytes`; null when there was no answer. */
function bytesOf(seen: string): number | null {
  const found = /^(\d{3,5}) bytes/.exec(seen);
  return found?.[1] === undefined ? null : Number(found[1]);
}

/** Puts the cells between each two hosts together; those within one host say nothing of a link. Pure. */
export function summarisePairs(results: Iterable<ProbeResult>): Map<string, Pair> {
  const groups = new Map<string, ProbeResult[]>();
  for (const result of results) {
    if (result.from.host === result.to.host) continue;
    const key = pairKey(result.from.host, result.to.host);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  const pairs = new Map<string, Pair>();
  for (const [key, cells] of groups) {
    const times: number[] = [];
    let [mtu, worst, greenCells, measuredAt]: [number | null, ProbeResult | null, number, string] = [
      null,
      null,
      0,
      '',
    ];
    for (const cell of cells) {
      if (cell.at > measuredAt) measuredAt = cell.at;
      if (cell.ok) greenCells += 1;
      else if (worst === null || cell.at < worst.at) worst = cell;
      if (cell.kind === 'ping' && cell.ok && cell.milliseconds !== null) times.push(cell.milliseconds);
      const bytes = cell.kind === 'mtu' ? bytesOf(cell.seen) : null;
      if (bytes !== null && (mtu === null || bytes < mtu)) mtu = bytes;
    }
    const [one = '', other = ''] = key.split(' ');
    pairs.set(key, {
      one,
      other,
      cells: cells.length,
      greenCells,
      rttMilliseconds: median(times),
      mtu,
      measuredAt,
      worst,
    });
  }
  return pairs;
}

/** The cells of one kind together; `shown` is the one that tells most: the first failing one, else the first. */
export interface Kind {
  readonly kind: ProbeKind;
  readonly all: number;
  readonly green: number;
  readonly shown: ProbeResult;
}

/** Cells by their kind, in the order in which the kinds come. Pure. */
export function kindsOf(cells: readonly ProbeResult[]): Kind[] {
  const kinds = new Map<ProbeKind, Kind>();
  for (const cell of cells) {
    const known = kinds.get(cell.kind) ?? { kind: cell.kind, all: 0, green: 0, shown: cell };
    kinds.set(cell.kind, {
      kind: cell.kind,
      all: known.all + 1,
      green: known.green + (cell.ok ? 1 : 0),
      shown: known.shown.ok && !cell.ok ? cell : known.shown,
    });
  }
  return [...kinds.values()];
}

/** How many of a host's measured pairs fail. */
export interface Sickness {
  readonly failing: number;
  readonly measured: number;
}

/**
 * The hosts most of whose pairs fail, those with a lost host aside: of many red lines, the ends that they have in common. Pure.
 */
export function sickHosts(pairs: Iterable<Pair>, lost: ReadonlySet<string>): Map<string, Sickness> {
  const counts = new Map<string, Sickness>();
  for (const { one, other, worst } of pairs) {
    if (lost.has(one) || lost.has(other)) continue;
    for (const name of [one, other]) {
      const { failing, measured } = counts.get(name) ?? { failing: 0, measured: 0 };
      counts.set(name, { failing: failing + (worst === null ? 0 : 1), measured: measured + 1 });
    }
  }
  return new Map([...counts].filter(([, { failing, measured }]) => measured > 1 && failing * 2 > measured));
}

const summaries = new WeakMap<ReadonlyMap<string, ProbeResult>, ReadonlyMap<string, Pair>>();

/** The pairs of a lab's probes, worked out once for each state of them. */
export function pairsOf(probes: ReadonlyMap<string, ProbeResult>): ReadonlyMap<string, Pair> {
  const known = summaries.get(probes) ?? summarisePairs(probes.values());
  summaries.set(probes, known);
  return known;
}

/** What was measured longer ago than this, in ms, is not vouched for any more. */
const staleAfter = 15 * 60_000;

/** The health of the overlay between two hosts that both answer; `stale` when it was not measured, or too long ago. */
export function healthOfPair(pair: Pair | undefined, now: number): Health {
  if (pair === undefined) return 'stale';
  if (pair.worst !== null) return 'bad';
  return now - Date.parse(pair.measuredAt) > staleAfter ? 'stale' : 'good';
}
