import styles from './age.module.css';
import { formatAge } from './format.ts';
import { useNow } from './use-now.ts';

/** How old a value is. Older than `staleAfter` seconds it is grey and says so: what is not fresh is never green. */
export function Age({ at, staleAfter = 10 }: { at: string | number; staleAfter?: number }) {
  const now = useNow();
  const then = typeof at === 'number' ? at : Date.parse(at);
  const age = Math.max(0, now - then);
  const stale = age > staleAfter * 1000;
  return (
    <time
      className={styles['age']}
      dateTime={new Date(then).toISOString()}
      title={new Date(then).toLocaleString()}
      data-stale={stale}
    >
      {stale ? `stale, ${formatAge(age)}` : formatAge(age)}
    </time>
  );
}
