import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { desktopBridge } from '../rpc/ipc.ts';
import { useStream } from '../stream/store.ts';
import { formatAge } from '../ui/format.ts';
import { useNow } from '../ui/use-now.ts';
import styles from './connection.module.css';

/** Says that nobody answers behind the screens, for as long as that is so; it comes back by itself. */
export function ConnectionBanner() {
  const door = useStream((stream) => stream.door);
  return (
    <div className={styles['live']} role="status">
      {door.kind === 'lost' && <Lost since={door.since} />}
    </div>
  );
}

function Lost({ since }: { since: number }) {
  const age = Math.max(0, useNow() - since);
  const refused = useRefused();
  return (
    <p className={styles['banner']}>
      <IconPlugConnectedX size={16} aria-hidden />
      {refused ? (
        <span>
          <strong>This page may not look at Flatland any more.</strong> Run <code>flatland ui</code> and open
          the link that it prints.
        </span>
      ) : (
        <span>
          <strong>Flatland is not answering, trying again…</strong> What you see is as it was
          {age < 2000 ? ' a moment ago' : <span aria-hidden> {formatAge(age)} ago</span>}.
        </span>
      )}
    </p>
  );
}

const askEvery = 5000;

/** Whether somebody answers but does not know this page: a socket that is refused does not say why. */
function useRefused(): boolean {
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    if (desktopBridge() !== null) return;
    const timer = setInterval(() => {
      fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
        ({ status }) => setRefused(status === 401),
        () => setRefused(false),
      );
    }, askEvery);
    return () => clearInterval(timer);
  }, []);
  return refused;
}
