import { Button, Popover, RingProgress, Tooltip, UnstyledButton } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useMemo } from 'react';
import { closeOverlay, toggleOverlay, useOverlay } from '../app/overlays.ts';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import { Keys } from '../ui/keys.tsx';
import { useTick } from '../ui/use-tick.ts';
import { isRunning, progressOf, sortTasks } from './progress.ts';
import { TaskItem } from './task-item.tsx';
import styles from './tray.module.css';

const close = () => closeOverlay('tasks');

/** Everything that runs long, behind one button that shows how far it is. It is drawn from the stream, so it outlives screens. */
export function TaskTray() {
  const open = useOverlay('tasks');
  return (
    <Popover
      opened={open}
      onChange={(opened) => !opened && close()}
      position="bottom-end"
      width="min(460px, calc(100vw - 16px))"
      shadow="md"
      radius="md"
      trapFocus
      returnFocus
      withRoles
    >
      <Popover.Target>
        <TrayButton open={open} />
      </Popover.Target>
      <Popover.Dropdown className={styles['tray'] ?? ''} aria-label="Tasks">
        {open && <TaskList />}
      </Popover.Dropdown>
    </Popover>
  );
}

function TrayButton({ open, ...rest }: { open: boolean }) {
  const tasks = useStream((stream) => stream.tasks);
  const running = useMemo(() => tasks.filter(isRunning), [tasks]);
  const now = useTick(500, running.length > 0);
  const share =
    running.reduce((sum, task) => sum + progressOf(task, now).share, 0) / Math.max(1, running.length);
  const label =
    running.length === 0 ? 'Tasks' : `${count(running.length, 'task')} running, ${Math.round(share * 100)} %`;
  return (
    <Tooltip
      label={
        <span className={styles['tip']}>
          Tasks <Keys shortcut="t" />
        </span>
      }
      disabled={open}
    >
      <UnstyledButton
        {...rest}
        className={styles['button'] ?? ''}
        data-running={running.length > 0}
        aria-label={label}
        aria-expanded={open}
        onClick={() => toggleOverlay('tasks')}
      >
        {running.length === 0 ? (
          <IconChecklist size={18} aria-hidden />
        ) : (
          <>
            <RingProgress
              size={22}
              thickness={3}
              roundCaps
              aria-hidden
              sections={[{ value: share * 100, color: 'var(--working-mark)' }]}
              rootColor="var(--stale-tint)"
            />
            <span className={styles['number']}>{Math.round(share * 100)} %</span>
          </>
        )}
      </UnstyledButton>
    </Tooltip>
  );
}

function TaskList() {
  const tasks = useStream((stream) => stream.tasks);
  const sorted = useMemo(() => sortTasks(tasks), [tasks]);
  const over = sorted.filter((task) => !isRunning(task));
  const client = useClient();
  const { error, run, dismiss } = useCall();
  return (
    <>
      <div className={styles['head']}>
        <h2>Tasks</h2>
        {over.length > 1 && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() =>
              void run(() => Promise.all(over.map(({ id }) => client.dismissTask.mutate({ id }))))
            }
          >
            Dismiss what is over
          </Button>
        )}
      </div>
      {error && <ErrorCard error={error} where="Dismissing tasks" onDismiss={dismiss} />}
      {sorted.length === 0 ? (
        <p className={styles['empty']}>
          Nothing runs. What takes long shows here, also when you go elsewhere.
        </p>
      ) : (
        <ul className={styles['list']}>
          {sorted.map((task) => (
            <TaskItem key={task.id} task={task} onGo={close} />
          ))}
        </ul>
      )}
    </>
  );
}
