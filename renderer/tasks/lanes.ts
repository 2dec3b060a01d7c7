import type { PlannedStep } from '../../contract/event.ts';
import type { TaskStep } from '../../contract/task.ts';

/** A step placed in time; `start` and `end` are seconds since the work began. `track` counts a lane's rows from 0. */
export interface Bar {
  readonly id: string;
  readonly title: string;
  readonly state: TaskStep['state'];
  readonly start: number;
  readonly end: number;
  readonly track: number;
}

/** What one host does, or the whole lab (`host` is null); `tracks` is how many steps it may do at once. */
export interface Lane {
  readonly host: string | null;
  readonly tracks: number;
  readonly bars: readonly Bar[];
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  /** Seconds from the beginning to the last end that is known or expected. */
  readonly seconds: number;
}

type Tracks = ReadonlyMap<string, number>;

/**
 * Gives each step of a lane a row, so that steps which may run side by side never share one. A step may take the row of
 * another that it waits for, directly or not. Pure; it depends on `needs` alone, so rows stay while work goes on.
 */
export function assignTracks(steps: readonly PlannedStep[]): Tracks {
  const known = new Map(steps.map((step) => [step.id, step]));
  const ancestors = new Map<string, ReadonlySet<string>>();
  const ancestorsOf = (id: string): ReadonlySet<string> => {
    const had = ancestors.get(id);
    if (had !== undefined) return had;
    const all = new Set<string>();
    // Set before it is filled: needs that go round in a circle end here.
    ancestors.set(id, all);
    for (const need of known.get(id)?.needs ?? []) {
      all.add(need);
      for (const one of ancestorsOf(need)) all.add(one);
    }
    return all;
  };
  const lastOf = new Map<string | null, string[]>();
  const tracks = new Map<string, number>();
  for (const { id, host } of steps) {
    const lasts = lastOf.get(host) ?? [];
    const before = ancestorsOf(id);
    const free = lasts.findIndex((last) => before.has(last));
    const track = free < 0 ? lasts.length : free;
    lasts[track] = id;
    lastOf.set(host, lasts);
    tracks.set(id, track);
  }
  return tracks;
}

/** Where in time a step was, is, or will be. */
function placed(
  step: PlannedStep | TaskStep,
  ready: number,
  now: number,
  began: number,
  scale: number,
): { start: number; end: number } {
  const expected = step.expectedSeconds * scale;
  if (!('state' in step) || step.startedAt === null) {
    const start = 'state' in step ? Math.max(ready, now) : ready;
    return { start, end: start + expected };
  }
  const start = Math.max(0, (Date.parse(step.startedAt) - began) / 1000);
  if (step.state === 'running') return { start, end: Math.max(start + expected, now) };
  return { start, end: start + (step.seconds ?? 0) };
}

/**
 * Steps in lanes, one a host, in time: what is done as it was, what runs up to now or its expected end, and what is to come
 * as soon as all that it needs will be done. `now` is seconds since the work began, `began` Unix time in ms of its
 * beginning; `scale` stretches expected times (a machine that does many things at once is slower). Pure.
 */
export function lanesOf(
  steps: readonly (PlannedStep | TaskStep)[],
  tracks: Tracks,
  { now, began, scale }: { now: number; began: number; scale: number },
): Lanes {
  const ends = new Map<string, number>();
  const groups = new Map<string | null, Bar[]>();
  let seconds = 0;
  for (const step of steps) {
    const ready = Math.max(0, ...step.needs.map((need) => ends.get(need) ?? 0));
    const { start, end } = placed(step, ready, now, began, scale);
    ends.set(step.id, end);
    seconds = Math.max(seconds, end);
    const bars = groups.get(step.host) ?? [];
    bars.push({
      id: step.id,
      title: step.title,
      state: 'state' in step ? step.state : 'pending',
      start,
      end,
      track: tracks.get(step.id) ?? 0,
    });
    groups.set(step.host, bars);
  }
  const lanes = [...groups].map(([host, bars]) => ({
    host,
    bars,
    tracks: 1 + Math.max(...bars.map(({ track }) => track)),
  }));
  return { lanes, seconds };
}

/** Seconds of the longest chain of steps, each as long as expected. */
export const longestChain = (steps: readonly PlannedStep[]): number =>
  lanesOf(
    steps.map(({ id, title, host, needs, expectedSeconds, deadlineSeconds }) => ({
      id,
      title,
      host,
      needs,
      expectedSeconds,
      deadlineSeconds,
    })),
    new Map(),
    { now: 0, began: 0, scale: 1 },
  ).seconds;

/** How much longer than its longest chain work takes, given how long all of it is expected to take. At least 1. */
export function scaleOf(steps: readonly PlannedStep[], expectedSeconds: number | null): number {
  const chain = longestChain(steps);
  return expectedSeconds === null || chain === 0 ? 1 : Math.max(1, expectedSeconds / chain);
}
