import { CloseButton } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { Task } from '../../contract/task.ts';
import { crumbsOf, places } from '../app/routes.ts';
import { useStream } from '../stream/store.ts';
import { useRemarks } from '../ui/remarks.ts';
import { Status } from '../ui/status.tsx';
import { endedBetween } from './endings.ts';
import styles from './notices.module.css';
import { outcomeOf } from './progress.ts';

const shownFor = 8000;

/** Says what is said in passing, and that a task ended whose lab is not on screen. What went well goes away by itself, what did not stays. */
export function Notices() {
  const [notices, setNotices] = useState<readonly Task[]>([]);
  const remarks = useRemarks((state) => state.remarks);
  const [location] = useLocation();
  const here = crumbsOf(location)[1]?.label ?? null;
  useEffect(() => {
    const stop = useStream.subscribe((now, before) => {
      const ended = endedBetween(before.tasks, now.tasks).filter(({ lab }) => lab !== here);
      if (ended.length > 0) setNotices((shown) => [...shown, ...ended].slice(-4));
    });
    return stop;
  }, [here]);
  const dismiss = (id: string) => setNotices((shown) => shown.filter((task) => task.id !== id));
  return (
    <div className={styles['notices']} aria-live="polite" role="status">
      {remarks.map(({ id, text }) => (
        <p key={id} className={styles['remark']}>
          {text}
        </p>
      ))}
      {notices.map((task) => (
        <Notice key={task.id} task={task} dismiss={() => dismiss(task.id)} />
      ))}
    </div>
  );
}

function Notice({ task, dismiss }: { task: Task; dismiss: () => void }) {
  const { health, word } = outcomeOf(task);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time begins when the notice appears.
  useEffect(() => {
    if (health === 'bad') return;
    const timer = setTimeout(dismiss, shownFor);
    return () => clearTimeout(timer);
  }, [health]);
  return (
    <div className={styles['notice']}>
      <div className={styles['words']}>
        <Link href={task.kind === 'down' ? places.start() : places.topology(task.lab)} onClick={dismiss}>
          {task.title}
        </Link>
        <Status health={health}>{word}</Status>
      </div>
      <CloseButton size="sm" aria-label={`Dismiss the notice about ${task.title}`} onClick={dismiss} />
    </div>
  );
}
