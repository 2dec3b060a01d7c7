import styles from './picture.module.css';

const hosts = [
  { x: 220, y: 70, name: 'h1' },
  { x: 316, y: 134, name: 'h2' },
  { x: 136, y: 140, name: 'h3' },
];

const [first, second, third] = hosts;
const ways = [
  [first, second],
  [second, third],
  [third, first],
] as const;

/** What Flatland makes: a plane on which everything reaches everything. Decoration only. */
export function Picture() {
  return (
    <svg className={styles['picture']} viewBox="0 0 440 250" aria-hidden="true" focusable="false">
      <path className={styles['edge']} d="M20 129v10l200 108 200-108v-10L220 237z" />
      <path className={styles['plane']} d="M220 21 420 129 220 237 20 129z" />
      <g className={styles['grid']}>
        {[0.2, 0.4, 0.6, 0.8].map((part) => (
          <g key={part}>
            <path d={`M${20 + 200 * part} ${129 - 108 * part}l200 108`} />
            <path d={`M${220 + 200 * part} ${21 + 108 * part}l-200 108`} />
          </g>
        ))}
      </g>
      {ways.map(([from, to]) =>
        from === undefined || to === undefined ? null : (
          <g key={`${from.name} ${to.name}`}>
            <path className={styles['way']} d={`M${from.x} ${from.y}L${to.x} ${to.y}`} />
            <path className={styles['packet']} d={`M${from.x} ${from.y}L${to.x} ${to.y}`} pathLength={100} />
          </g>
        ),
      )}
      {hosts.map(({ x, y, name }) => (
        <g key={name} transform={`translate(${x} ${y})`}>
          <path className={styles['side']} d="M-40 0v9l40 21 40-21V0L0 21z" />
          <path className={styles['host']} d="M0-21 40 0 0 21-40 0z" />
          <circle className={styles['pod']} cx="-12" cy="0" r="5" />
          <circle className={styles['pod']} cx="12" cy="0" r="5" />
        </g>
      ))}
    </svg>
  );
}
