import { useMemo } from 'react';
import type { PlanResult } from '../../contract/request.ts';
import { LaneChart } from '../tasks/lane-chart.tsx';
import { assignTracks, lanesOf, scaleOf } from '../tasks/lanes.ts';
import { count, formatBytes, formatSeconds } from '../ui/format.ts';
import type { Change } from './changes.ts';
import styles from './plan-panel.module.css';

const mebibyte = 1024 * 1024;

/** What bringing a lab up would do and cost, before anything is touched; `changes` are those to a lab that exists. */
export function PlanPanel({
  plan,
  changes,
  stale,
}: {
  plan: PlanResult;
  changes: readonly Change[] | null;
  stale: boolean;
}) {
  const lanes = useMemo(
    () =>
      lanesOf(plan.steps, assignTracks(plan.steps), {
        now: 0,
        began: 0,
        scale: scaleOf(plan.steps, plan.cost.seconds),
      }),
    [plan],
  );
  return (
    <section className={styles['plan']} aria-label="Plan" data-stale={stale}>
      <div className={styles['head']}>
        <h2>What it will do</h2>
        <dl className={styles['cost']}>
          <div>
            <dt>Time</dt>
            <dd>{formatSeconds(plan.cost.seconds)}</dd>
          </div>
          <div>
            <dt>Memory</dt>
            <dd>{formatBytes(plan.cost.memoryMebibytes * mebibyte)}</dd>
          </div>
          <div>
            <dt>Disk</dt>
            <dd>{formatBytes(plan.cost.diskMebibytes * mebibyte)}</dd>
          </div>
          <div>
            <dt>Steps</dt>
            <dd>{plan.steps.length}</dd>
          </div>
        </dl>
      </div>
      {plan.notices.map((notice) => (
        <p key={notice} className={styles['notice']}>
          {notice}
        </p>
      ))}
      {changes !== null && <Changes changes={changes} />}
      <LaneChart
        lanes={lanes}
        mode="plan"
        now={0}
        label={`${count(plan.steps.length, 'step')} in about ${formatSeconds(plan.cost.seconds)}`}
      />
    </section>
  );
}

const signs: Record<Change['kind'], string> = { added: '+', removed: '−', changed: '~' };

function Changes({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0)
    return (
      <p className={styles['nothing']}>Nothing is changed; each step only makes sure of what is there.</p>
    );
  return (
    <ul className={styles['changes']} aria-label="Changes">
      {changes.map(({ kind, what }) => (
        <li key={`${kind} ${what}`} data-kind={kind}>
          <span aria-hidden>{signs[kind]}</span>
          {what}
          <span className={styles['kind']}>{kind}</span>
        </li>
      ))}
    </ul>
  );
}
