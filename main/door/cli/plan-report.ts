import type { PlanResult } from '../../../contract/request.ts';
import { count, duration, type Line, line, span } from './text.ts';
import { drawTree } from './tree.ts';
import { advance, emptyView } from './view.ts';

/** What `up` would do: the tree before its first step, and the cost. Pure. */
export function drawPlan({ lab, steps, notices, cost }: PlanResult, columns: number): Line[] {
  const view = advance(emptyView, { type: 'planned', at: new Date(0).toISOString(), lab, work: 'up', steps });
  const [, ...rows] = drawTree(view, { columns, rows: 200 }, 0);
  const hosts = new Set(steps.flatMap(({ host }) => (host === null ? [] : [host]))).size;
  return [
    line(
      'lab ',
      span(lab, 'strong'),
      span(` · ${count(steps.length, 'step')} on ${count(hosts, 'host')}`, 'dim'),
    ),
    ...rows,
    ...notices.map((notice) => line(span(`! ${notice}`, 'caution'))),
    line(),
    line(
      `  about ${duration(cost.seconds)}, ${cost.memoryMebibytes} MiB of memory and ${cost.diskMebibytes} MiB of disk`,
      span('; nothing was touched', 'dim'),
    ),
  ];
}
