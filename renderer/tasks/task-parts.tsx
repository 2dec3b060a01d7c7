import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import type { Task } from '../../contract/task.ts';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { useShown } from '../ui/private.ts';
import styles from './task-parts.module.css';

/** How far something is, 0 to 1, as a line that fills. */
export function ProgressLine({
  share,
  label,
  state,
}: {
  share: number;
  label: string;
  state: Task['state'];
}) {
  return (
    <div
      className={styles['line']}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      data-state={state}
    >
      <i style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}

/** The last lines of a task's log; it stays at its end until somebody scrolls back. */
export function LogTail({ lines, label }: { lines: readonly string[]; label: string }) {
  const shown = useShown();
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are the reason to scroll.
  useEffect(() => {
    if (box.current !== null && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre
      className={styles['log']}
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard.
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={label}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.length === 0 ? 'Nothing was logged yet.' : lines.map(shown).join('\n')}
    </pre>
  );
}

/** The button that cancels a task; its progress says "cancelling…" until what was begun is taken back. */
export function CancelButton({ task, compact = false }: { task: Task; compact?: boolean }) {
  const client = useClient();
  const { busy, error, run, dismiss } = useCall();
  if (task.state !== 'running' && task.state !== 'cancelling') return null;
  return (
    <>
      <Button
        size={compact ? 'compact-xs' : 'xs'}
        variant="default"
        aria-label={compact && task.state === 'running' ? `Cancel ${task.title}` : undefined}
        disabled={!task.cancellable || task.state === 'cancelling'}
        loading={busy}
        onClick={() => void run(() => client.cancelTask.mutate({ id: task.id }))}
      >
        {task.state === 'cancelling' ? 'Cancelling…' : 'Cancel'}
      </Button>
      {error && <ErrorCard error={error} where={`Cancelling ${task.title}`} onDismiss={dismiss} />}
    </>
  );
}
