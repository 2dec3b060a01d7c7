import type { HistoryEntry } from '../../contract/history.ts';
import type { LiveEvent, LiveHost, LiveLab, Sample } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';

/** Half an hour at one sample in two seconds. */
const samplesPerHost = 900;
/** Of a lab of many hosts each has fewer, so that a snapshot stays small. */
const samplesInSnapshot = 6000;
const historyKept = 10_000;
const probeLogKept = 50_000;

/** All that is known of a lab, kept within bounds. It is not a pure reducer because a large lab has a hundred thousand values. */
export interface LiveState {
  /** Takes an event in; returns what is new of it, or null when nothing is. */
  apply(event: LiveEvent): LiveEvent | null;
  /** When the lab was made; null until it was told of, and once it is gone. */
  createdAt(): string | null;
  /** Null when `createdAt` is. */
  snapshot(): LiveLab | null;
  /** The latest result of each cell at a moment (ISO 8601). */
  probesAt(at: string): ProbeResult[];
}

/** The key of a cell of the matrix: one kind of probe for one ordered pair. */
export const cellKey = ({ kind, from, to }: Pick<ProbeResult, 'kind' | 'from' | 'to'>): string =>
  `${kind} ${from.kind} ${from.name} ${to.kind} ${to.name}`;

/** Keeps the latest result of a cell; returns whether this one is. */
export function keepLatest(cells: Map<string, ProbeResult>, result: ProbeResult): boolean {
  const key = cellKey(result);
  const known = cells.get(key);
  if (known !== undefined && known.at > result.at) return false;
  cells.set(key, result);
  return true;
}

export function liveState(): LiveState {
  let head: Pick<LiveLab, 'lab' | 'state' | 'createdAt'> | null = null;
  const hosts = new Map<string, LiveHost>();
  const samples = new Map<string, Sample[]>();
  const probes = new Map<string, ProbeResult>();
  let probeLog: ProbeResult[] = [];
  /** Cells as they were where the log begins. */
  const beforeLog = new Map<string, ProbeResult>();
  let history: HistoryEntry[] = [];
  const historyIds = new Set<string>();

  const clear = () => {
    for (const collection of [hosts, samples, probes, beforeLog, historyIds]) collection.clear();
    probeLog = [];
    history = [];
  };

  const addSamples = (added: readonly Sample[]): Sample[] =>
    added.filter((sample) => {
      const own = samples.get(sample.host) ?? [];
      const last = own.at(-1);
      if (last !== undefined && last.at >= sample.at) return false;
      own.push(sample);
      // Not at every sample, since that moves all the others.
      if (own.length > samplesPerHost * 1.1) own.splice(0, own.length - samplesPerHost);
      samples.set(sample.host, own);
      return true;
    });

  const addProbes = (results: readonly ProbeResult[]): ProbeResult[] =>
    results.filter((result) => {
      const known = probes.get(cellKey(result));
      if (known !== undefined && known.at === result.at && known.seen === result.seen) return false;
      probeLog.push(result);
      if (probeLog.length > probeLogKept * 1.1)
        for (const old of probeLog.splice(0, probeLog.length - probeLogKept)) keepLatest(beforeLog, old);
      return keepLatest(probes, result);
    });

  const addHistory = (entries: readonly HistoryEntry[]): HistoryEntry[] => {
    const added = entries.filter(({ id }) => !historyIds.has(id) && historyIds.add(id));
    let latest = history.at(-1)?.at ?? '';
    let inOrder = true;
    for (const entry of added) {
      history.push(entry);
      inOrder &&= entry.at >= latest;
      latest = entry.at;
    }
    // Two writers may be a moment out of order.
    if (!inOrder) history.sort((one, other) => Number(one.at > other.at) - Number(one.at < other.at));
    if (history.length > historyKept * 1.1)
      for (const { id } of history.splice(0, history.length - historyKept)) historyIds.delete(id);
    return added;
  };

  return {
    apply: (event) => {
      switch (event.type) {
        case 'lab': {
          // A lab of the same name that was made anew shares nothing with the one before.
          if (head !== null && head.createdAt !== event.createdAt) clear();
          head = { lab: event.lab, state: event.state, createdAt: event.createdAt };
          return event;
        }
        case 'hosts':
          for (const host of event.hosts) hosts.set(host.name, host);
          return event;
        case 'hosts-removed':
          for (const name of event.names) {
            hosts.delete(name);
            samples.delete(name);
          }
          return event;
        case 'samples': {
          const added = addSamples(event.samples);
          return added.length === 0 ? null : { type: 'samples', samples: added };
        }
        case 'probes': {
          const added = addProbes(event.results);
          return added.length === 0 ? null : { type: 'probes', results: added };
        }
        case 'history': {
          const added = addHistory(event.entries);
          return added.length === 0 ? null : { type: 'history', entries: added };
        }
        case 'gone':
          head = null;
          clear();
          return event;
      }
    },
    createdAt: () => head?.createdAt ?? null,
    snapshot: () => {
      if (head === null) return null;
      const each = Math.max(
        30,
        Math.min(samplesPerHost, Math.floor(samplesInSnapshot / (samples.size || 1))),
      );
      return {
        ...head,
        hosts: [...hosts.values()],
        samples: [...samples.values()]
          .flatMap((own) => own.slice(-each))
          .sort((one, other) => one.at - other.at),
        probes: [...probes.values()],
        history: history.slice(-historyKept),
      };
    },
    probesAt: (at) => {
      const cells = new Map<string, ProbeResult>();
      const time = Date.parse(at);
      for (const results of [beforeLog.values(), probeLog])
        for (const result of results) if (Date.parse(result.at) <= time) keepLatest(cells, result);
      return [...cells.values()];
    },
  };
}
