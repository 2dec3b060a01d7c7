import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconLoader2,
  IconXboxXFilled,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Health } from '../stream/verdict.ts';
import styles from './status.module.css';

const icons: Record<Health, typeof IconLoader2> = {
  good: IconCircleCheckFilled,
  working: IconLoader2,
  stale: IconCircleDashed,
  warning: IconAlertTriangleFilled,
  bad: IconXboxXFilled,
};

/** A colour never stands alone: an icon of its own shape, and a word. */
export function Status({
  health,
  children,
  tinted = false,
}: {
  health: Health;
  children: ReactNode;
  tinted?: boolean;
}) {
  const Icon = icons[health];
  return (
    <span className={styles['status']} data-health={health} data-tinted={tinted}>
      <Icon size="1em" aria-hidden />
      <span>{children}</span>
    </span>
  );
}

/** The icon of a health on its own, for places whose word stands beside it. */
export function StatusIcon({ health, label }: { health: Health; label?: string }) {
  const Icon = icons[health];
  const named = label === undefined ? {} : { role: 'img', 'aria-label': label };
  return (
    <span className={styles['icon']} data-health={health} {...named}>
      <Icon size="1em" aria-hidden />
    </span>
  );
}
