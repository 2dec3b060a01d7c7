import type { Task } from '../../contract/task.ts';
import { isRunning } from './progress.ts';

/** Tasks that went on before and are over now. Pure. */
export function endedBetween(before: readonly Task[], after: readonly Task[]): Task[] {
  if (before === after) return [];
  const running = new Set(before.filter(isRunning).map(({ id }) => id));
  return after.filter((task) => running.has(task.id) && !isRunning(task));
}
