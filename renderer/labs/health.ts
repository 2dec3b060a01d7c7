import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';
import type { Health, Verdict } from '../stream/verdict.ts';
import { isRunning } from '../tasks/progress.ts';

const staleAfter = 15 * 60_000;

/** The newest task of a lab of these kinds; null when there is none. */
export function newestTask(tasks: readonly Task[], lab: string, kinds: readonly Task['kind'][]): Task | null {
  let newest: Task | null = null;
  for (const task of tasks)
    if (task.lab === lab && kinds.includes(task.kind) && (newest?.startedAt ?? '') <= task.startedAt)
      newest = task;
  return newest;
}

/** When a task ended, in Unix time in ms; null while it goes on. */
const endOf = ({ startedAt, seconds }: Task): number | null =>
  seconds === null ? null : Date.parse(startedAt) + seconds * 1000;

/**
 * The health of a lab in a list and a word or two for it. Only what was measured can be green: of a lab that nobody looks at
 * the last proof counts, while it is fresh. Pure; `now` is Unix time in ms.
 */
export function labHealth(
  { name, state }: Pick<LabSummary, 'name' | 'state'>,
  watched: Verdict | null,
  tasks: readonly Task[],
  now: number,
): { readonly health: Health; readonly word: string } {
  const work = newestTask(tasks, name, ['up', 'down']);
  if (work !== null && isRunning(work))
    return { health: 'working', word: work.kind === 'up' ? 'building' : 'being taken down' };
  if (state === 'busy') return { health: 'working', word: 'busy' };
  if (state === 'half-built') return { health: 'warning', word: 'half-built' };
  if (watched !== null)
    return watched.pairs === 0 || watched.health === 'stale'
      ? {
          health: watched.health,
          word: watched.pairs === 0 ? 'up' : `${watched.greenPairs}/${watched.pairs}`,
        }
      : {
          health: watched.health,
          word:
            watched.worst === null && watched.health === 'bad'
              ? 'host lost'
              : `${watched.greenPairs}/${watched.pairs}`,
        };
  const proved = newestTask(
    tasks.filter(({ proof }) => proof !== null),
    name,
    ['up', 'probe'],
  );
  const end = proved === null ? null : endOf(proved);
  if (proved?.proof == null || end === null) return { health: 'stale', word: 'up' };
  const { greenPairs, pairs } = proved.proof;
  const word = `${greenPairs}/${pairs}`;
  if (greenPairs < pairs) return { health: 'bad', word };
  return { health: now - end > staleAfter ? 'stale' : 'good', word };
}

/** A name that no lab has yet: `flatland`, then `flatland-2`, … */
export function freeLabName(taken: readonly string[], wanted = 'flatland'): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.includes(name)) return name;
  }
}
