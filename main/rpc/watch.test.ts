import { describe, expect, it, vi } from 'vitest';
import type { LiveEvent, LiveLab, Sample } from '../../contract/live.ts';
import type { WatchEvent } from '../../contract/watch.ts';
import { createdAt, labEventOf } from '../../test/support/synthetic-events.ts';
import { cellsOf, makeLab, measure, openLab, sampleAt } from '../../test/support/synthetic-lab.ts';
import { broadcast } from './broadcast.ts';
import { liveState } from './live-state.ts';
import { type Change, openPending } from './pending.ts';
import { splitSnapshot, watchScreens } from './watch.ts';

vi.setConfig({ testTimeout: 30_000 });

const made = openLab(
  makeLab({ name: 'made', hosts: 3, podsPerHost: 1, backend: 'vxlan', seed: 1, network: 42 }),
  1,
  createdAt,
);
const began = Date.parse(createdAt);
const sampleOf = (index: number): Sample => sampleAt(made, 'h1', began + index * 1000);
const live = (event: LiveEvent): Change => ({ type: 'live', lab: 'made', event });

function start(lab: string | null = 'made') {
  const changes = broadcast<Change>();
  const state = liveState();
  state.apply(labEventOf(createdAt));
  const ended = new AbortController();
  let snapshots = 0;
  const stream = watchScreens({
    lab,
    changes,
    ready: Promise.resolve(),
    signal: ended.signal,
    snapshot: () => {
      snapshots += 1;
      return {
        type: 'snapshot',
        at: createdAt,
        version: 'test',
        overview: { labs: [], tasks: [], terminals: [] },
        lab: state.snapshot(),
        schedule: null,
      };
    },
  });
  const happen = (event: LiveEvent) => {
    state.apply(event);
    changes.send(live(event));
  };
  const next = async (): Promise<WatchEvent> => {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream ended');
    return value;
  };
  return { changes, happen, next, stream, ended, snapshots: () => snapshots };
}

describe('the stream of a screen', () => {
  it('begins with a snapshot and goes on with what changes, many changes at once', async () => {
    const { happen, next, ended } = start();
    expect((await next()).type).toBe('snapshot');
    for (let index = 0; index < 10; index += 1) happen({ type: 'samples', samples: [sampleOf(index)] });
    expect(await next()).toMatchObject({
      type: 'live',
      events: [{ type: 'samples', samples: Array.from({ length: 10 }, (_, index) => sampleOf(index)) }],
    });
    ended.abort();
  });

  it('leaves out what is in the snapshot already, and what is about another lab', async () => {
    const { changes, happen, next, ended } = start();
    const first = next();
    happen({ type: 'samples', samples: [sampleOf(0)] });
    const snapshot = await first;
    expect(snapshot.type === 'snapshot' && snapshot.lab?.samples).toHaveLength(1);
    changes.send({ type: 'live', lab: 'other', event: { type: 'gone' } });
    changes.send({ type: 'schedule', lab: 'other', schedule: null });
    happen({ type: 'samples', samples: [sampleOf(1)] });
    expect(await next()).toMatchObject({
      type: 'live',
      events: [{ type: 'samples', samples: [sampleOf(1)] }],
    });
    ended.abort();
  });

  it('gives a slow reader a new snapshot instead of everything that it missed', async () => {
    const { happen, next, snapshots, ended } = start();
    await next();
    for (let index = 0; index < 100_000; index += 1) happen({ type: 'samples', samples: [sampleOf(index)] });
    const late = await next();
    expect(late.type === 'snapshot' && late.lab?.samples.at(-1)).toEqual(sampleOf(99_999));
    expect(snapshots()).toBe(2);
    ended.abort();
  });

  it('begins anew for a lab that was made anew', async () => {
    const { changes, next, ended } = start();
    await next();
    changes.send(live({ type: 'gone' }));
    changes.send({ type: 'known', lab: 'made' });
    expect((await next()).type).toBe('snapshot');
    ended.abort();
  });

  it('ends when its screen leaves, also while nothing happens', async () => {
    const { stream, ended, next } = start(null);
    await next();
    const waiting = stream.next();
    ended.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  it('sends a large matrix in parts that make the whole', () => {
    const state = liveState();
    state.apply(labEventOf(createdAt));
    const [cell] = cellsOf(made);
    if (cell === undefined) throw new Error('there are cells');
    const results = Array.from({ length: 10_000 }, (_, index) => ({
      ...measure(made, cell, began),
      to: { ...cell.to, name: `pod-${index}` },
    }));
    state.apply({ type: 'probes', results });
    const lab: LiveLab | null = state.snapshot();
    const events = splitSnapshot({
      type: 'snapshot',
      at: createdAt,
      version: 'test',
      overview: { labs: [], tasks: [], terminals: [] },
      lab,
      schedule: null,
    });
    expect(events.map(({ type }) => type)).toEqual(['snapshot', ...Array(4).fill('live')]);
    const parts = events.flatMap((event) =>
      event.type === 'snapshot'
        ? (event.lab?.probes ?? [])
        : event.type === 'live'
          ? event.events.flatMap((one) => (one.type === 'probes' ? one.results : []))
          : [],
    );
    expect(parts).toEqual(results);
  });
});

describe('what a screen has still to be told', () => {
  it('is bounded, however much happens', () => {
    const pending = openPending('made');
    expect(pending.take()).toBe('snapshot');
    for (let index = 0; index < 50_000; index += 1)
      pending.add(live({ type: 'samples', samples: [sampleOf(index)] }));
    expect(pending.take()).toBe('snapshot');
    expect(pending.isEmpty()).toBe(true);
  });

  it('has the last state of each task, and no task that was removed since', () => {
    const pending = openPending(null);
    pending.take();
    const task = {
      id: 'one',
      lab: 'made',
      kind: 'probe' as const,
      title: 'Probe',
      state: 'running' as const,
      startedAt: createdAt,
      seconds: null,
      expectedSeconds: null,
      cancellable: true,
      steps: [],
      log: [],
      proof: null,
      error: null,
    };
    pending.add({ type: 'task', task });
    pending.add({ type: 'task', task: { ...task, state: 'done' } });
    pending.add({ type: 'task', task: { ...task, id: 'two' } });
    pending.add({ type: 'task-removed', id: 'two' });
    expect(pending.take()).toEqual([
      { type: 'tasks', tasks: [{ ...task, state: 'done' }] },
      { type: 'tasks-removed', ids: ['two'] },
    ]);
  });
});
