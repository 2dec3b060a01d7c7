import type { Task } from '../../contract/task.ts';
import { newestTask } from '../labs/health.ts';
import type { LabState } from '../stream/state.ts';
import { isRunning } from '../tasks/progress.ts';

/** What the screen of a lab shows. */
export type LabStage =
  | { readonly kind: 'looking' }
  | { readonly kind: 'work'; readonly task: Task; readonly lab: LabState | null }
  | { readonly kind: 'lab'; readonly lab: LabState }
  | { readonly kind: 'gone'; readonly task: Task }
  | { readonly kind: 'absent' };

/**
 * What there is to be shown of a lab: the lab, or the work on it while that is all there is to see. Work that failed stays
 * until another begins, unless the lab is up all the same. Pure.
 */
export function stageOf(
  name: string,
  lab: LabState | null,
  ready: boolean,
  tasks: readonly Task[],
): LabStage {
  const own = lab?.lab.name === name ? lab : null;
  const task = newestTask(tasks, name, ['up', 'down']);
  if (task !== null && isRunning(task)) return { kind: 'work', task, lab: own };
  if (own !== null) {
    const failed = task !== null && task.state !== 'done' && own.state === 'half-built';
    return failed ? { kind: 'work', task, lab: own } : { kind: 'lab', lab: own };
  }
  if (!ready) return { kind: 'looking' };
  if (task === null) return { kind: 'absent' };
  return task.kind === 'down' && task.state === 'done'
    ? { kind: 'gone', task }
    : { kind: 'work', task, lab: null };
}
