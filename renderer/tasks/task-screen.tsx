import { Button } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import type { Task } from '../../contract/task.ts';
import { ErrorCard, type Fix } from '../ui/error-card.tsx';
import { formatSeconds } from '../ui/format.ts';
import { StatusIcon } from '../ui/status.tsx';
import { useTick } from '../ui/use-tick.ts';
import { LaneChart } from './lane-chart.tsx';
import { assignTracks, lanesOf, scaleOf } from './lanes.ts';
import { currentWords, isRunning, outcomeOf, progressOf } from './progress.ts';
import { CancelButton, LogTail, ProgressLine } from './task-parts.tsx';
import styles from './task-screen.module.css';

const doing: Record<Task['kind'], string> = {
  up: 'Bringing up',
  down: 'Taking down',
  probe: 'Probing',
  image: 'Loading an image into',
  host: 'Changing a host of',
};

function headlineOf(task: Task): string {
  switch (task.state) {
    case 'running':
      return `${doing[task.kind]} ${task.lab}`;
    case 'cancelling':
      return `Cancelling: what was started is taken back`;
    case 'done':
      return task.kind === 'down' ? `${task.lab} is gone` : `${task.lab} is up`;
    case 'failed':
      return task.kind === 'down'
        ? `${task.lab} could not be taken down`
        : `${task.lab} could not be brought up`;
    case 'cancelled':
      return `${doing[task.kind]} ${task.lab} was cancelled`;
  }
}

/** One task in full: how far it is, what each host does, and what it said. `fix` is what to do when it failed. */
export function TaskScreen({ task, fix, actions }: { task: Task; fix?: Fix; actions?: ReactNode }) {
  const running = isRunning(task);
  const now = useTick(task.steps.length > 120 ? 400 : 120, running);
  const progress = progressOf(task, now);
  const { health } = outcomeOf(task);
  // biome-ignore lint/correctness/useExhaustiveDependencies: which steps a task has changes only with their number.
  const structure = useMemo(
    () => ({ tracks: assignTracks(task.steps), scale: scaleOf(task.steps, task.expectedSeconds) }),
    [task.id, task.steps.length, task.expectedSeconds],
  );
  // What never began is no part of how it was.
  const shown = running ? task.steps : task.steps.filter(({ startedAt }) => startedAt !== null);
  const lanes = lanesOf(shown, structure.tracks, {
    now: progress.elapsedSeconds,
    began: Date.parse(task.startedAt),
    scale: structure.scale,
  });
  // What is known of each step tells more than what all of it usually takes.
  const remaining = Math.max(0, lanes.seconds - progress.elapsedSeconds);
  const share =
    running && lanes.seconds > 0 ? Math.min(0.98, progress.elapsedSeconds / lanes.seconds) : progress.share;
  return (
    <div className={styles['screen']}>
      <header className={styles['head']}>
        <h1 className={styles['headline']} data-health={health}>
          <StatusIcon health={health} />
          <span>{headlineOf(task)}</span>
        </h1>
        <div className={styles['actions']}>
          {actions}
          <CancelButton task={task} />
        </div>
      </header>
      <ProgressLine share={share} label={task.title} state={task.state} />
      <p className={styles['numbers']}>
        <span>
          {progress.done} of {progress.steps} steps
        </span>
        <span>{formatSeconds(progress.elapsedSeconds)}</span>
        {running && lanes.seconds > 0 && <span>about {formatSeconds(remaining)} left</span>}
        {running && progress.current.length > 0 && (
          <span className={styles['current']}>{currentWords(progress.current)}</span>
        )}
      </p>
      {task.error !== null && task.state === 'failed' && (
        <ErrorCard
          error={task.error}
          where={whereOf(task)}
          lab={task.lab}
          diagnostics={[
            task.title,
            `${task.error.code}: ${task.error.message}`,
            task.error.hint,
            ...task.log,
          ].join('\n')}
          {...(fix === undefined ? {} : { fix })}
        />
      )}
      {task.state === 'cancelled' && (
        <div className={styles['cancelled']}>
          <p>What had been started was taken back; nothing of it is left.</p>
          {fix && (
            <Button size="xs" onClick={fix.perform}>
              {fix.label}
            </Button>
          )}
        </div>
      )}
      {shown.length > 0 && (
        <section aria-label="Steps" className={styles['steps']}>
          <LaneChart
            lanes={lanes}
            mode={running ? 'running' : 'over'}
            now={progress.elapsedSeconds}
            label={`${progress.done} of ${progress.steps} steps, ${formatSeconds(progress.elapsedSeconds)}`}
          />
        </section>
      )}
      <section className={styles['logs']}>
        <h2>Log</h2>
        <LogTail lines={task.log} label={`Log of ${task.title}`} />
      </section>
    </div>
  );
}

/** The step that failed, where there is one. */
function whereOf(task: Task): string {
  const failed = task.steps.find(({ state }) => state === 'failed');
  if (failed === undefined) return task.title;
  return failed.host === null ? failed.title : `${failed.host}: ${failed.title}`;
}
