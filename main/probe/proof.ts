import type { ProbeEnd, ProbeKind, ProbeResult, ProbeSelection, Proof } from '../../contract/probe.ts';
import { toFlatlandError } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import {
  expectation,
  judgeHttp,
  judgeMtu,
  judgePing,
  judgeSource,
  type Measurement,
  parseAddresses,
  parseMeasurement,
  red,
  type Verdict,
} from './answer.ts';
import { type PingDepth, probeScript, probeSource, probeTarget } from './script.ts';

/** A host of the proof; its connection is null when it is lost. */
export interface ProofHost {
  readonly name: string;
  readonly address: string;
  readonly connection: Pick<Connection, 'script'> | null;
}

/**
 * A pod of the proof, as Docker of its host describes it; `address` is empty and `pid` 0 when it does not run.
 * `port` is where it serves HTTP; null: it serves none that is known of, so there are no such cells.
 */
export interface ProofPod {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly pid: number;
  readonly port: number | null;
}

/** An ordered pair of ends, with the pods behind them; `fromPod` is null when a host asks. */
interface Pair {
  readonly from: ProbeEnd;
  readonly to: ProbeEnd;
  readonly fromPod: ProofPod | null;
  readonly toPod: ProofPod;
}

const kinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];
/**
 * Pairs that all hosts together measure at once: dead ones, which take seconds, wait together. More would gain nothing on
 * two processors, and a server that waits too long for its turn looks dead.
 */
const parallelPairs = 48;
const deadlineSeconds = 60;

/** Every ordered pair: pod to pod on the same and on other hosts, and host to pod. */
export function proofPairs(hosts: readonly ProofHost[], pods: readonly ProofPod[]): Pair[] {
  const podEnd = ({ name, host, address }: ProofPod): ProbeEnd => ({ kind: 'pod', name, host, address });
  const sources: { from: ProbeEnd; fromPod: ProofPod | null }[] = [
    ...pods.map((pod) => ({ from: podEnd(pod), fromPod: pod })),
    ...hosts.map(({ name, address }) => ({
      from: { kind: 'host' as const, name, host: name, address },
      fromPod: null,
    })),
  ];
  // Every source begins with another pod, so that no pod is asked by all at once.
  return sources.flatMap(({ from, fromPod }, index) =>
    [...pods.slice(index % pods.length), ...pods.slice(0, index % pods.length)].flatMap((toPod) =>
      fromPod === toPod ? [] : [{ from, fromPod, to: podEnd(toPod), toPod }],
    ),
  );
}

/** The kinds of probe that are made between two ends; none for a pair that is not selected. */
function kindsOf({ from, to, toPod }: Pair, selection: ProbeSelection): ProbeKind[] {
  if (selection.from !== null && selection.from !== from.name) return [];
  if (selection.to !== null && selection.to !== to.name) return [];
  return kinds.filter(
    (kind) =>
      (selection.kinds?.includes(kind) ?? true) && (toPod.port !== null || kind === 'ping' || kind === 'mtu'),
  );
}

function depthOf(selected: ProbeSelection['kinds']): PingDepth {
  if (selected === null || selected.includes('mtu')) return 'mtu';
  return selected.includes('ping') ? 'rtt' : 'none';
}

const asksByHttp = (selected: ProbeSelection['kinds']): boolean =>
  selected === null || selected.includes('http') || selected.includes('source');

/** The whole matrix. */
export const everyCell: ProbeSelection = { from: null, to: null, kinds: null };

/** The proof in numbers. A pair is green when each of its cells is; `mtu` is null unless it was seen between some pair. */
export function summarise(results: readonly ProbeResult[], overlayMtu: number): Proof {
  const pairs = new Map<string, boolean>();
  for (const { from, to, ok } of results) {
    const key = `${from.kind} ${from.name} ${to.name}`;
    pairs.set(key, (pairs.get(key) ?? true) && ok);
  }
  const green = results.filter(({ ok }) => ok);
  const times = green.flatMap(({ kind, milliseconds }) =>
    kind === 'ping' && milliseconds !== null ? [milliseconds] : [],
  );
  times.sort((one, other) => one - other);
  return {
    pairs: pairs.size,
    greenPairs: [...pairs.values()].filter(Boolean).length,
    cells: results.length,
    greenCells: green.length,
    mtu: green.some(({ kind }) => kind === 'mtu') ? overlayMtu : null,
    rttMilliseconds: times[Math.floor((times.length - 1) / 2)] ?? null,
  };
}

const runs = (pod: ProofPod): boolean =>
  probeTarget.safeParse(pod).success && probeSource.safeParse(pod).success;

/** Why a pair cannot even be tried, or null when it can. */
function obstacle({ fromPod, toPod }: Pair, hosts: readonly ProofHost[], asker: ProofHost): string | null {
  const lost = (name: string) => hosts.every((host) => host.name !== name || host.connection === null);
  if (asker.connection === null) return `no answer: host ${asker.name} lost`;
  if (fromPod !== null && !runs(fromPod)) return `pod ${fromPod.name} does not run`;
  if (runs(toPod)) return null;
  return lost(toPod.host) ? `no answer: host ${toPod.host} lost` : `pod ${toPod.name} does not run`;
}

function whyNoAnswer(thrown: unknown, host: ProofHost): string {
  const { code, message } = toFlatlandError(thrown);
  if (code === 'host-lost') return `no answer: host ${host.name} lost`;
  if (code === 'deadline-passed') return `no answer within ${deadlineSeconds} s`;
  return `no answer: ${message}`;
}

/**
 * Measures every selected cell, each host its own with one script in one round trip, all hosts at once; results come as they are
 * measured. A cell that could not be measured is red and says why, so the matrix is always complete: only `signal`
 * makes it reject.
 */
export async function runProof(input: {
  readonly hosts: readonly ProofHost[];
  readonly pods: readonly ProofPod[];
  readonly selection: ProbeSelection;
  readonly overlayMtu: number;
  readonly signal: AbortSignal;
  readonly onResult: (result: ProbeResult) => void;
}): Promise<Proof> {
  const { hosts, pods, selection, overlayMtu, signal, onResult } = input;
  signal.throwIfAborted();
  const pairs = proofPairs(hosts, pods).filter((pair) => kindsOf(pair, selection).length > 0);
  const results: ProbeResult[] = [];

  const report = ({ from, to }: Pair, kind: ProbeKind, verdict: Verdict) => {
    if (signal.aborted) return;
    const result: ProbeResult = {
      at: new Date().toISOString(),
      kind,
      from,
      to,
      path: from.host === to.host ? 'same-host' : 'cross-host',
      expected: expectation(kind, from, overlayMtu),
      ...verdict,
    };
    results.push(result);
    onResult(result);
  };

  const probeHost = async (host: ProofHost): Promise<void> => {
    const own = pairs.filter(({ from }) => from.host === host.name);
    const possible = own.filter((pair) => obstacle(pair, hosts, host) === null);
    const sources = [...new Set(possible.map(({ fromPod }) => fromPod))];
    const targets = [...new Set(possible.map(({ toPod }) => toPod))];
    const place = ({ fromPod, toPod }: Pair) => `${sources.indexOf(fromPod)} ${targets.indexOf(toPod)}`;
    const byPlace = new Map(possible.map((pair) => [place(pair), pair]));
    /** Cells that have their answer, so that a second one for the same cell changes nothing. */
    const missing = new Map(own.map((pair) => [pair, new Set(kindsOf(pair, selection))]));
    const settle = (pair: Pair, kind: ProbeKind, verdict: () => Verdict) => {
      if (missing.get(pair)?.delete(kind) === true) report(pair, kind, verdict());
    };
    let hostAddresses: ReadonlySet<string> = new Set([host.address]);
    let reason = 'no answer';

    const take = (measurement: Measurement | null) => {
      if (measurement === null) {
        reason = 'unreadable answer';
        return;
      }
      if (measurement.kind === 'addresses') {
        hostAddresses = new Set([...hostAddresses, ...parseAddresses(measurement.text)]);
        return;
      }
      if (measurement.kind === 'closed') {
        const pod = sources[measurement.source];
        for (const pair of possible.filter(({ fromPod }) => fromPod !== null && fromPod === pod)) {
          const verdict = () => red(`the network namespace of ${pair.from.name} cannot be entered`);
          for (const kind of kinds) settle(pair, kind, verdict);
        }
        return;
      }
      const { kind, source, target, text } = measurement;
      const pair = byPlace.get(`${source} ${target}`);
      if (pair === undefined) {
        reason = 'unreadable answer';
        return;
      }
      if (kind === 'ping') settle(pair, kind, () => judgePing(text));
      if (kind === 'mtu') settle(pair, kind, () => judgeMtu(text, overlayMtu));
      if (kind === 'http') {
        settle(pair, 'source', () => judgeSource(text, pair.from, hostAddresses));
        settle(pair, 'http', () => judgeHttp(text, pair.to));
      }
    };

    if (host.connection !== null && possible.length > 0) {
      const script = probeScript(
        sources.map((pod) => ({ pid: pod?.pid ?? null })),
        targets.map(({ address, port }) => ({ address, port: asksByHttp(selection.kinds) ? port : null })),
        possible.map(({ fromPod, toPod }) => ({
          source: sources.indexOf(fromPod),
          target: targets.indexOf(toPod),
        })),
        {
          overlayMtu,
          parallel: Math.max(4, Math.ceil(parallelPairs / hosts.length)),
          depth: depthOf(selection.kinds),
        },
      );
      const onLine = (line: string) => take(parseMeasurement(line));
      try {
        await host.connection.script(script, [], { signal, deadlineSeconds, onLine });
      } catch (thrown) {
        signal.throwIfAborted();
        reason = whyNoAnswer(thrown, host);
      }
    }
    for (const [pair, left] of missing) {
      const seen = obstacle(pair, hosts, host) ?? reason;
      for (const kind of left) settle(pair, kind, () => red(seen));
    }
  };

  await Promise.all(hosts.map(probeHost));
  return summarise(results, overlayMtu);
}
