import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabEvent, PlannedStep } from '../../contract/event.ts';
import type { Task } from '../../contract/task.ts';
import { failure, toFlatlandError } from '../failure.ts';
import { refuse } from './refuse.ts';
import { advanceTask, newTask, type TaskStart } from './task-state.ts';

const keptFinished = 50;
const mostRunning = 32;
/** How long a caller waits to hear that its wish cannot become work at all. */
const refusalMilliseconds = 1500;
const closeDeadlineSeconds = 120;

/** Long work as the router does it: it reports to `sink` and rejects only for what never became work. */
export interface Work extends Omit<TaskStart, 'id'> {
  run(sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
}

export interface Tasks {
  /** Begins work that goes on without its caller. Rejects with the failure of what never became work. */
  begin(work: Work): Promise<{ task: string }>;
  /** Oldest first. */
  all(): Task[];
  cancel(id: string): void;
  dismiss(id: string): void;
  /** Cancels what runs and waits for it, at most two minutes. */
  close(): Promise<void>;
}

const isRunning = ({ state }: Task): boolean => state === 'running' || state === 'cancelling';

export function openTasks(options: {
  readonly expectedSeconds: (steps: readonly PlannedStep[]) => number;
  readonly onTask: (task: Task) => void;
  readonly onRemoved: (id: string) => void;
  readonly onEvent: (event: LabEvent) => void;
}): Tasks {
  const tasks = new Map<string, Task>();
  const running = new Map<string, { controller: AbortController; ended: Promise<void> }>();

  const set = (task: Task) => {
    tasks.set(task.id, task);
    options.onTask(task);
  };
  const change = (id: string, next: (task: Task) => Task) => {
    const task = tasks.get(id);
    if (task !== undefined) set(next(task));
  };
  const remove = (id: string) => {
    if (tasks.delete(id)) options.onRemoved(id);
  };
  const removeOldest = () => {
    const finished = [...tasks.values()].filter((task) => !isRunning(task));
    for (const { id } of finished.slice(0, Math.max(0, finished.length - keptFinished))) remove(id);
  };
  const find = (id: string): Task => {
    const task = tasks.get(id);
    if (task === undefined) throw refuse('There is no such task any more.');
    return task;
  };

  return {
    begin: async ({ run, ...start }) => {
      if (running.size >= mostRunning) throw failure('lab-busy', `${mostRunning} tasks are running already.`);
      const id = randomUUID();
      const began = performance.now();
      const controller = new AbortController();
      let spoke = () => {};
      const spoken = new Promise<void>((resolve) => {
        spoke = resolve;
      });
      const sink = (event: LabEvent) => {
        change(id, (task) => advanceTask(task, event, options.expectedSeconds));
        options.onEvent(event);
        spoke();
      };
      set(newTask({ ...start, id }, new Date().toISOString()));
      /** Work that rejects, or ends without a word, has not said `finished`: the task must not seem to run for ever. */
      const finish = (thrown: unknown) =>
        change(id, (task) =>
          isRunning(task)
            ? advanceTask(
                task,
                {
                  type: 'finished',
                  at: new Date().toISOString(),
                  lab: task.lab,
                  work: task.kind,
                  outcome: controller.signal.aborted ? 'cancelled' : thrown === null ? 'done' : 'failed',
                  seconds: Math.round(performance.now() - began) / 1000,
                  proof: null,
                  error: thrown === null ? null : toFlatlandError(thrown),
                },
                options.expectedSeconds,
              )
            : task,
        );
      const work = run(sink, controller.signal);
      const ended = work.then(
        () => finish(null),
        (thrown) => finish(thrown),
      );
      running.set(id, { controller, ended });
      const settled = ended.then(() => {
        running.delete(id);
        removeOldest();
      });
      const outcome = await Promise.race([
        spoken.then(() => ({ refused: false as const })),
        work.then(
          () => ({ refused: false as const }),
          (thrown: unknown) => ({ refused: true as const, thrown }),
        ),
        delay(refusalMilliseconds, { refused: false as const }, { ref: false }),
      ]);
      if (!outcome.refused) return { task: id };
      await settled;
      remove(id);
      throw outcome.thrown;
    },
    all: () => [...tasks.values()],
    cancel: (id) => {
      const task = find(id);
      if (!isRunning(task)) return;
      if (!task.cancellable) throw refuse(`“${task.title}” cannot be cancelled.`, 'It ends by itself.');
      change(id, (current) => ({ ...current, state: 'cancelling', cancellable: false }));
      running.get(id)?.controller.abort();
    },
    dismiss: (id) => {
      if (isRunning(find(id)))
        throw refuse('What still runs cannot be dismissed.', 'Cancel it, or wait until it ends.');
      remove(id);
    },
    close: async () => {
      for (const { controller } of running.values()) controller.abort();
      const all = Promise.all([...running.values()].map(({ ended }) => ended));
      await Promise.race([all, delay(closeDeadlineSeconds * 1000, undefined, { ref: false })]);
    },
  };
}
