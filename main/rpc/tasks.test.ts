import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LabEvent } from '../../contract/event.ts';
import type { Task } from '../../contract/task.ts';
import { createSyntheticRouter } from '../../test/support/synthetic-router.ts';
import { failure } from '../failure.ts';
import { openTasks, type Tasks, type Work } from './tasks.ts';

vi.setConfig({ testTimeout: 30_000 });

const opened: Tasks[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((tasks) => tasks.close()));
});

function start() {
  const told: Task[] = [];
  const removed: string[] = [];
  const events: LabEvent[] = [];
  const waiting = new Set<() => void>();
  const tasks = openTasks({
    expectedSeconds: () => 1,
    onTask: (task) => {
      told.push(task);
      for (const check of waiting) check();
    },
    onRemoved: (id) => removed.push(id),
    onEvent: (event) => events.push(event),
  });
  opened.push(tasks);
  const until = (id: string, state: Task['state']) =>
    new Promise<Task>((resolve) => {
      const check = () => {
        const task = tasks.all().find((one) => one.id === id);
        if (task?.state !== state) return;
        waiting.delete(check);
        resolve(task);
      };
      waiting.add(check);
      check();
    });
  return { tasks, told, removed, events, until };
}

const router = createSyntheticRouter({ speed: 50, state: 'none' });
const up = (name: string): Work => ({
  lab: name,
  kind: 'up',
  title: `Bring up ${name}`,
  cancellable: true,
  run: (sink, signal) => router.up({ kind: 'generated', hosts: 2, backend: 'vxlan', name }, sink, signal),
});
const held = (cancellable = true): Work => ({
  lab: 'held',
  kind: 'probe',
  title: 'Held',
  cancellable,
  run: (sink, signal) =>
    new Promise((resolve) => {
      sink({ type: 'notice', at: new Date().toISOString(), lab: 'held', level: 'info', message: 'begun' });
      signal.addEventListener('abort', () => resolve(), { once: true });
    }),
});

describe('tasks', () => {
  it('go on without their caller, to a proof', async () => {
    const { tasks, until, events } = start();
    const { task } = await tasks.begin(up('one'));
    const done = await until(task, 'done');
    expect(done.steps.every(({ state }) => state === 'changed')).toBe(true);
    expect(done.proof?.greenCells).toBe(done.proof?.cells);
    expect(events.some(({ type }) => type === 'probed')).toBe(true);
  });

  it('that never became work fail for their caller and leave nothing', async () => {
    const { tasks, removed, told } = start();
    const run = async () => {
      throw failure('lab-busy', 'Another command is at work.');
    };
    await expect(tasks.begin({ ...held(), run })).rejects.toMatchObject({ error: { code: 'lab-busy' } });
    expect(tasks.all()).toEqual([]);
    expect(removed).toEqual([told[0]?.id]);
  });

  it('that fail without a word of it are shown as failed', async () => {
    const { tasks, until } = start();
    const { task } = await tasks.begin({
      ...held(),
      run: async (sink) => {
        sink({ type: 'notice', at: new Date().toISOString(), lab: 'held', level: 'info', message: 'begun' });
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error('the disk is on fire');
      },
    });
    const failed = await until(task, 'failed');
    expect(failed.error).toMatchObject({ code: 'internal', message: 'the disk is on fire' });
  });

  it('are cancelling until they have taken back what they did', async () => {
    const { tasks, told, until } = start();
    const { task } = await tasks.begin(up('two'));
    tasks.cancel(task);
    expect(tasks.all()[0]).toMatchObject({ state: 'cancelling', cancellable: false });
    const cancelled = await until(task, 'cancelled');
    expect(cancelled.steps.map(({ id }) => id)).toContain('forget');
    expect(told.filter(({ state }) => state === 'cancelling').length).toBeGreaterThan(0);
  });

  it('cannot be cancelled where that would leave half of it, nor dismissed while they run', async () => {
    const { tasks } = start();
    const { task } = await tasks.begin(held(false));
    expect(() => tasks.cancel(task)).toThrow('cannot be cancelled');
    expect(() => tasks.dismiss(task)).toThrow('cannot be dismissed');
    expect(() => tasks.cancel('another')).toThrow('no such task');
  });

  it('stay until they are dismissed, fifty at most', async () => {
    const { tasks, until, removed } = start();
    const ids: string[] = [];
    for (let index = 0; index < 52; index += 1) {
      const { task } = await tasks.begin(held());
      ids.push(task);
      tasks.cancel(task);
      await until(task, 'cancelled');
    }
    await expect.poll(() => tasks.all().length).toBe(50);
    expect(removed).toEqual(ids.slice(0, 2));
    tasks.dismiss(ids[10] ?? '');
    expect(tasks.all()).toHaveLength(49);
  });

  it('are ended when the process ends', async () => {
    const { tasks } = start();
    await tasks.begin(held(false));
    await tasks.close();
    expect(tasks.all().map(({ state }) => state)).toEqual(['cancelled']);
  });
});
