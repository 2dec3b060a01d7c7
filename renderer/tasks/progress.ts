import type { Task, TaskStep } from '../../contract/task.ts';
import type { Health } from '../stream/verdict.ts';
import { count, formatSeconds } from '../ui/format.ts';

/** Whether a task goes on. */
export const isRunning = ({ state }: Pick<Task, 'state'>): boolean =>
  state === 'running' || state === 'cancelling';

const isOver = ({ state }: TaskStep): boolean => state !== 'pending' && state !== 'running';

export interface Progress {
  readonly done: number;
  readonly steps: number;
  /** 0 to 1; it reaches 1 only when the task is over. */
  readonly share: number;
  readonly elapsedSeconds: number;
  /** Null when it is not known, or when the task takes longer than expected. */
  readonly remainingSeconds: number | null;
  readonly current: readonly TaskStep[];
}

/**
 * How far a task is. The share is by time where that is known and holds, else by steps: a task that takes longer than
 * expected slows down and never claims to be ready. Pure; `now` is Unix time in ms.
 */
export function progressOf(task: Task, now: number): Progress {
  const done = task.steps.filter(isOver).length;
  const elapsedSeconds = task.seconds ?? Math.max(0, (now - Date.parse(task.startedAt)) / 1000);
  const bySteps = task.steps.length === 0 ? 0 : done / task.steps.length;
  const expected = task.expectedSeconds;
  const byTime = expected === null || expected <= 0 ? bySteps : Math.min(1, elapsedSeconds / expected);
  const running = isRunning(task);
  return {
    done,
    steps: task.steps.length,
    share: running ? Math.min(0.98, bySteps * 0.6 + byTime * 0.4) : 1,
    elapsedSeconds,
    remainingSeconds:
      running && expected !== null && elapsedSeconds < expected ? expected - elapsedSeconds : null,
    current: task.steps.filter(({ state }) => state === 'running'),
  };
}

const health: Record<Task['state'], Health> = {
  running: 'working',
  cancelling: 'working',
  done: 'good',
  failed: 'bad',
  cancelled: 'stale',
};

/** The health and the word of a task's state. A proof that is not all green is no good end. */
export function outcomeOf(task: Task): { health: Health; word: string } {
  const { state, seconds, proof } = task;
  const took = seconds === null ? '' : ` in ${formatSeconds(seconds)}`;
  switch (state) {
    case 'running':
      return { health: health[state], word: 'running' };
    case 'cancelling':
      return { health: health[state], word: 'cancelling…' };
    case 'done':
      if (proof !== null && proof.greenPairs < proof.pairs)
        return {
          health: 'bad',
          word: `${proof.pairs - proof.greenPairs} of ${count(proof.pairs, 'pair')} fail`,
        };
      return {
        health: health[state],
        word:
          proof === null
            ? `done${took}`
            : `${proof.greenPairs} of ${count(proof.pairs, 'pair')} green${took}`,
      };
    case 'failed':
      return {
        health: health[state],
        word: `failed${seconds === null ? '' : ` after ${formatSeconds(seconds)}`}`,
      };
    case 'cancelled':
      return { health: health[state], word: 'cancelled' };
  }
}

/** The steps that run at the moment in a few words: `h1: Docker, h2: agent and 3 more`. */
export function currentWords(current: readonly TaskStep[], atMost = 3): string {
  const words = current
    .slice(0, atMost)
    .map(({ host, title }) => (host === null ? title : `${host}: ${title}`))
    .join(', ');
  return current.length > atMost ? `${words} and ${current.length - atMost} more` : words;
}

/** The newest first, those that go on before those that are over. */
export function sortTasks(tasks: readonly Task[]): Task[] {
  return [...tasks].sort(
    (one, other) =>
      Number(isRunning(other)) - Number(isRunning(one)) || other.startedAt.localeCompare(one.startedAt),
  );
}
