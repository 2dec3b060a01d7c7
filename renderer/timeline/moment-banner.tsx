import { Button, Loader } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { setView, useView } from '../app/view.ts';
import { formatAge, formatTime } from '../ui/format.ts';
import { useNow } from '../ui/use-now.ts';
import styles from './moment-banner.module.css';

function Banner({ cursor, pending }: { cursor: number; pending: boolean }) {
  const age = Math.max(0, useNow() - cursor);
  return (
    <div className={styles['banner']} role="status">
      {pending ? <Loader size={16} /> : <IconHistory size={16} aria-hidden />}
      <p>
        You are looking at <strong>{formatTime(cursor)}</strong> (
        {age < 2000 ? 'just now' : `${formatAge(age)} ago`})
      </p>
      <Button size="compact-xs" variant="default" onClick={() => setView({ cursor: null })}>
        Back to now (Esc)
      </Button>
    </div>
  );
}

/** Says that the screen shows an earlier moment; nothing while it shows now. `pending`: what it shows is still on its way. */
export function MomentBanner({ pending = false }: { pending?: boolean }) {
  const cursor = useView((view) => view.cursor);
  return cursor === null ? null : <Banner cursor={cursor} pending={pending} />;
}
