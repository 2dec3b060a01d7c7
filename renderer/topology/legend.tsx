import styles from './topology.module.css';

const lines = [
  { kind: 'underlay', word: 'underlay' },
  { kind: 'good', word: 'overlay, reachable' },
  { kind: 'bad', word: 'failing' },
  { kind: 'stale', word: 'not measured' },
] as const;

/** What the lines of the picture mean. */
export function Legend() {
  return (
    <p className={styles['legend']}>
      {lines.map(({ kind, word }) => (
        <span key={kind} className={styles['key']}>
          <svg width="26" height="8" aria-hidden="true">
            {kind === 'underlay' && <line x1="2" y1="4" x2="24" y2="4" className={styles['casing']} />}
            <line x1="2" y1="4" x2="24" y2="4" className={styles['sample']} data-kind={kind} />
          </svg>
          {word}
        </span>
      ))}
      <span className={styles['key']}>
        <svg width="26" height="8" aria-hidden="true">
          <path d="M1 4.6 L25 1 V7 L1 4.6 Z" className={styles['wedge']} />
        </svg>
        wider: more traffic
      </span>
    </p>
  );
}
