import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Health } from '../stream/verdict.ts';
import { Status } from '../ui/status.tsx';
import styles from './drawer.module.css';

/** One line under a terminal or a log: where it stands, and what can be done about it. */
export function Notice({
  health,
  children,
  action,
}: {
  health: Health;
  children: ReactNode;
  action?: { readonly label: string; readonly perform: () => void; readonly busy?: boolean };
}) {
  return (
    <div className={styles['notice']} role="status">
      <Status health={health}>{children}</Status>
      {action && (
        <Button size="compact-xs" variant="light" loading={action.busy ?? false} onClick={action.perform}>
          {action.label}
        </Button>
      )}
    </div>
  );
}
