import { type ReactNode, useId } from 'react';
import { Age } from '../ui/age.tsx';
import { statusFreshFor } from './health.ts';
import styles from './panel.module.css';

/** A group of values with one age. What is stale is grey as a whole. */
export function Panel({
  title,
  note,
  at,
  stale,
  span = 'one',
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  at: string;
  stale: boolean;
  /** How many columns of the page it takes. */
  span?: 'one' | 'two' | 'all';
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={styles['panel']} data-stale={stale} data-span={span} aria-labelledby={id}>
      <header className={styles['head']}>
        <h3 className={styles['title']} id={id}>
          {title}
        </h3>
        {note !== undefined && <span className={styles['note']}>{note}</span>}
        <Age at={at} staleAfter={statusFreshFor / 1000} />
      </header>
      {children}
    </section>
  );
}

/** Names with their values. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles['facts']}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
