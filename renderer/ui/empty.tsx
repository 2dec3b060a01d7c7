import type { ReactNode } from 'react';
import styles from './empty.module.css';

/**
 * What stands where there is nothing yet: one sentence and what to do about it. `page`: it is all that the page has, so that
 * its title is the page's.
 */
export function Empty({
  icon,
  title,
  page = false,
  children,
}: {
  icon?: ReactNode;
  title: string;
  page?: boolean;
  children?: ReactNode;
}) {
  const Title = page ? 'h1' : 'p';
  return (
    <div className={styles['empty']}>
      {icon && <div className={styles['icon']}>{icon}</div>}
      <Title className={styles['title']}>{title}</Title>
      {children && <div className={styles['body']}>{children}</div>}
    </div>
  );
}
