import type { HistoryEntry } from '../../contract/history.ts';
import type { LiveEvent, LiveHost, ProbeSchedule, Sample, Terminal } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';
import type { WatchEvent } from '../../contract/watch.ts';
import { keepLatest } from './live-state.ts';

/** Something that changed, before it is known which screens it concerns. */
export type Change =
  | { readonly type: 'labs'; readonly labs: LabSummary[] }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'task-removed'; readonly id: string }
  | { readonly type: 'terminals'; readonly terminals: Terminal[] }
  | { readonly type: 'schedule'; readonly lab: string; readonly schedule: ProbeSchedule | null }
  | { readonly type: 'known'; readonly lab: string }
  | { readonly type: 'live'; readonly lab: string; readonly event: LiveEvent };

/** More than this, and a new snapshot is less work for both ends than what has piled up. */
const mostValues = 20_000;

/** Live events that amount to the same, however many there were: the latest of each host and cell. */
export interface Coalesced {
  add(event: LiveEvent): void;
  /** How many values are held. */
  size(): number;
  isEmpty(): boolean;
  take(): LiveEvent[];
}

export function coalesce(): Coalesced {
  let lab: Extract<LiveEvent, { type: 'lab' }> | null = null;
  let gone = false;
  const removed = new Set<string>();
  const hosts = new Map<string, LiveHost>();
  let samples: Sample[] = [];
  const probes = new Map<string, ProbeResult>();
  let history: HistoryEntry[] = [];
  const clear = () => {
    lab = null;
    gone = false;
    removed.clear();
    hosts.clear();
    samples = [];
    probes.clear();
    history = [];
  };
  const size = () => removed.size + hosts.size + samples.length + probes.size + history.length;
  return {
    size,
    isEmpty: () => size() === 0 && lab === null && !gone,
    add: (event) => {
      switch (event.type) {
        case 'lab':
          lab = event;
          break;
        case 'hosts':
          for (const host of event.hosts) hosts.set(host.name, host);
          break;
        case 'hosts-removed':
          for (const name of event.names) {
            hosts.delete(name);
            removed.add(name);
          }
          samples = samples.filter(({ host }) => !event.names.includes(host));
          break;
        case 'samples':
          samples.push(...event.samples);
          break;
        case 'probes':
          for (const result of event.results) keepLatest(probes, result);
          break;
        case 'history':
          history.push(...event.entries);
          break;
        case 'gone':
          clear();
          gone = true;
      }
    },
    take: () => {
      const events: LiveEvent[] = [];
      if (gone) events.push({ type: 'gone' });
      if (lab !== null) events.push(lab);
      if (removed.size > 0) events.push({ type: 'hosts-removed', names: [...removed] });
      if (hosts.size > 0) events.push({ type: 'hosts', hosts: [...hosts.values()] });
      if (samples.length > 0) events.push({ type: 'samples', samples });
      if (probes.size > 0) events.push({ type: 'probes', results: [...probes.values()] });
      if (history.length > 0) events.push({ type: 'history', entries: history });
      clear();
      return events;
    },
  };
}

/** What one screen has still to be told, in bounded memory: either a snapshot, or what changed since the last one. */
export interface Pending {
  add(change: Change): void;
  /** The next thing to be told is a snapshot. */
  restart(): void;
  isEmpty(): boolean;
  take(): 'snapshot' | WatchEvent[];
}

/** `lab` is the one that the screen shows; what concerns others is left out. */
export function openPending(lab: string | null): Pending {
  let snapshot = true;
  let labs: LabSummary[] | null = null;
  const tasks = new Map<string, Task>();
  const removed = new Set<string>();
  let terminals: Terminal[] | null = null;
  let schedule: { readonly value: ProbeSchedule | null } | null = null;
  const live = coalesce();

  const clear = () => {
    snapshot = false;
    labs = null;
    tasks.clear();
    removed.clear();
    terminals = null;
    schedule = null;
    live.take();
  };
  const restart = () => {
    clear();
    snapshot = true;
  };

  return {
    restart,
    add: (change) => {
      // A snapshot that is yet to be taken will have it.
      if (snapshot) return;
      switch (change.type) {
        case 'labs':
          labs = change.labs;
          break;
        case 'task':
          tasks.set(change.task.id, change.task);
          break;
        case 'task-removed':
          tasks.delete(change.id);
          removed.add(change.id);
          break;
        case 'terminals':
          terminals = change.terminals;
          break;
        case 'schedule':
          if (change.lab === lab) schedule = { value: change.schedule };
          break;
        case 'known':
          if (change.lab === lab) restart();
          break;
        case 'live':
          if (change.lab === lab) live.add(change.event);
          if (live.size() > mostValues) restart();
      }
    },
    isEmpty: () =>
      !snapshot &&
      labs === null &&
      tasks.size + removed.size === 0 &&
      terminals === null &&
      schedule === null &&
      live.isEmpty(),
    take: () => {
      if (snapshot) {
        clear();
        return 'snapshot';
      }
      const events: WatchEvent[] = [];
      if (labs !== null) events.push({ type: 'labs', labs });
      if (tasks.size > 0) events.push({ type: 'tasks', tasks: [...tasks.values()] });
      if (removed.size > 0) events.push({ type: 'tasks-removed', ids: [...removed] });
      if (terminals !== null) events.push({ type: 'terminals', terminals });
      if (schedule !== null) events.push({ type: 'schedule', schedule: schedule.value });
      const changed = live.take();
      if (changed.length > 0) events.push({ type: 'live', at: new Date().toISOString(), events: changed });
      clear();
      return events;
    },
  };
}
