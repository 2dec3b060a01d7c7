import { ActionIcon, Button, Collapse } from '@mantine/core';
import { IconChevronRight, IconX } from '@tabler/icons-react';
import { memo, useId, useState } from 'react';
import { Link } from 'wouter';
import type { Task } from '../../contract/task.ts';
import { places } from '../app/routes.ts';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { formatAgo, formatSeconds } from '../ui/format.ts';
import { useShown } from '../ui/private.ts';
import { Status } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { useTick } from '../ui/use-tick.ts';
import { currentWords, isRunning, outcomeOf, progressOf } from './progress.ts';
import styles from './task-item.module.css';
import { CancelButton, LogTail, ProgressLine } from './task-parts.tsx';

function Ended({ at }: { at: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {formatAgo(Math.max(0, now - at))}
    </time>
  );
}

/** A task in the tray: how far it is in two lines; its log when it is opened. */
export const TaskItem = memo(function TaskItem({ task, onGo }: { task: Task; onGo: () => void }) {
  const running = isRunning(task);
  const progress = progressOf(task, useTick(250, running));
  const outcome = outcomeOf(task);
  const [open, setOpen] = useState(false);
  const id = useId();
  const client = useClient();
  const { error, run, dismiss } = useCall();
  const shown = useShown();
  return (
    <li className={styles['task']}>
      <div className={styles['head']}>
        <Link className={styles['title']} href={places.topology(task.lab)} onClick={onGo}>
          {task.title}
        </Link>
        <Status health={outcome.health}>{outcome.word}</Status>
        {running ? (
          <CancelButton task={task} compact />
        ) : (
          <ActionIcon
            size="sm"
            aria-label={`Dismiss ${task.title}`}
            onClick={() => void run(() => client.dismissTask.mutate({ id: task.id }))}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        )}
      </div>
      {running && <ProgressLine share={progress.share} label={task.title} state={task.state} />}
      <div className={styles['numbers']}>
        {progress.steps > 0 && (
          <span>
            {progress.done}/{progress.steps} steps
          </span>
        )}
        {running ? (
          <span>
            {formatSeconds(progress.elapsedSeconds)}
            {task.expectedSeconds !== null && ` of about ${formatSeconds(task.expectedSeconds)}`}
          </span>
        ) : (
          <Ended at={Date.parse(task.startedAt) + (task.seconds ?? 0) * 1000} />
        )}
        <span className={styles['current']}>{running && currentWords(progress.current, 2)}</span>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          aria-expanded={open}
          aria-controls={id}
          leftSection={
            <IconChevronRight size={13} className={styles['chevron']} data-open={open} aria-hidden />
          }
          onClick={() => setOpen(!open)}
        >
          Log
        </Button>
      </div>
      {task.error !== null && task.state === 'failed' && (
        <p className={styles['error']}>{shown(task.error.message)}</p>
      )}
      {error && <ErrorCard error={error} where="Dismissing the task" onDismiss={dismiss} />}
      <Collapse expanded={open} id={id}>
        {open && <LogTail lines={task.log} label={`Log of ${task.title}`} />}
      </Collapse>
    </li>
  );
});
