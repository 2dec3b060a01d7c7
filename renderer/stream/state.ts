import type { HistoryEntry } from '../../contract/history.ts';
import type { Lab } from '../../contract/lab.ts';
import type { LiveEvent, LiveHost, LiveLab, ProbeSchedule, Sample, Terminal } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';
import type { WatchEvent } from '../../contract/watch.ts';

/** A watched lab as the screens read it: what has a name can be found by it. */
export interface LabState {
  readonly lab: Lab;
  readonly state: LabSummary['state'];
  readonly createdAt: string;
  readonly hosts: ReadonlyMap<string, LiveHost>;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly probes: ReadonlyMap<string, ProbeResult>;
  readonly history: readonly HistoryEntry[];
}

/** Everything that the stream told; `lab` is null while none is watched, or when there is none of that name. */
export interface StreamState {
  readonly version: string;
  readonly ready: boolean;
  readonly labs: readonly LabSummary[];
  readonly tasks: readonly Task[];
  readonly terminals: readonly Terminal[];
  readonly lab: LabState | null;
  readonly schedule: ProbeSchedule | null;
}

export const nothing: StreamState = {
  version: '',
  ready: false,
  labs: [],
  tasks: [],
  terminals: [],
  lab: null,
  schedule: null,
};

const samplesKept = 900;
const historyKept = 10_000;

/** The key of a cell of the matrix: one kind of probe for one ordered pair. */
export const cellKey = ({ kind, from, to }: Pick<ProbeResult, 'kind' | 'from' | 'to'>): string =>
  `${kind} ${from.kind} ${from.name} ${to.kind} ${to.name}`;

const byName = <T extends { readonly name: string }>(values: readonly T[]): Map<string, T> =>
  new Map(values.map((value) => [value.name, value]));

function addSamples(known: LabState['samples'], added: readonly Sample[]): LabState['samples'] {
  const samples = new Map(known);
  for (const one of added)
    samples.set(one.host, [...(samples.get(one.host) ?? []).slice(1 - samplesKept), one]);
  return samples;
}

function groupSamples(all: readonly Sample[]): LabState['samples'] {
  const groups = new Map<string, Sample[]>();
  for (const one of all) {
    const group = groups.get(one.host);
    if (group === undefined) groups.set(one.host, [one]);
    else group.push(one);
  }
  return new Map([...groups].map(([host, group]) => [host, group.slice(-samplesKept)]));
}

const addProbes = (known: LabState['probes'], results: readonly ProbeResult[]): LabState['probes'] =>
  new Map([...known, ...results.map((result) => [cellKey(result), result] as const)]);

function addHistory(known: readonly HistoryEntry[], added: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const latest = known.at(-1)?.at ?? '';
  const all = [...known, ...added];
  // Two writers may be a moment out of order.
  if (added.some(({ at }) => at < latest)) all.sort((one, other) => (one.at < other.at ? -1 : 1));
  return all.slice(-historyKept);
}

function toLabState({ samples, probes, history, hosts, ...rest }: LiveLab): LabState {
  return {
    ...rest,
    hosts: byName(hosts),
    samples: groupSamples(samples),
    probes: addProbes(new Map(), probes),
    history,
  };
}

function applyLive(state: LabState, event: LiveEvent): LabState | null {
  switch (event.type) {
    case 'lab':
      return { ...state, lab: event.lab, state: event.state, createdAt: event.createdAt };
    case 'hosts':
      return { ...state, hosts: new Map([...state.hosts, ...byName(event.hosts)]) };
    case 'hosts-removed': {
      const gone = new Set(event.names);
      return { ...state, hosts: new Map([...state.hosts].filter(([name]) => !gone.has(name))) };
    }
    case 'samples':
      return { ...state, samples: addSamples(state.samples, event.samples) };
    case 'probes':
      return { ...state, probes: addProbes(state.probes, event.results) };
    case 'history':
      return { ...state, history: addHistory(state.history, event.entries) };
    case 'gone':
      return null;
  }
}

/** The state after one more event of the stream. Pure. */
export function applyWatch(state: StreamState, event: WatchEvent): StreamState {
  switch (event.type) {
    case 'snapshot':
      return {
        version: event.version,
        ready: true,
        ...event.overview,
        lab: event.lab === null ? null : toLabState(event.lab),
        schedule: event.schedule,
      };
    case 'labs':
      return { ...state, labs: event.labs };
    case 'tasks': {
      const changed = new Map(event.tasks.map((task) => [task.id, task]));
      const known = state.tasks.map((task) => changed.get(task.id) ?? task);
      const added = event.tasks.filter(({ id }) => state.tasks.every((task) => task.id !== id));
      return { ...state, tasks: [...known, ...added] };
    }
    case 'tasks-removed':
      return { ...state, tasks: state.tasks.filter(({ id }) => !event.ids.includes(id)) };
    case 'terminals':
      return { ...state, terminals: event.terminals };
    case 'schedule':
      return { ...state, schedule: event.schedule };
    case 'live': {
      let lab = state.lab;
      for (const one of event.events) if (lab !== null) lab = applyLive(lab, one);
      return { ...state, lab };
    }
  }
}
