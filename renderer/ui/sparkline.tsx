import { memo } from 'react';
import styles from './sparkline.module.css';
import { largest, sparklinePaths, type TimedValue } from './sparkline-path.ts';

const [width, height] = [100, 24];

/**
 * A small line of the last while. `label` says in words what it shows, `top` is the value at its upper edge (the largest one when left out),
 * and `seconds` is how much time it shows up to `to` (Unix time in ms).
 */
export const Sparkline = memo(function Sparkline({
  points,
  label,
  to,
  seconds,
  top,
  stale = false,
}: {
  points: readonly TimedValue[];
  label: string;
  to: number;
  seconds: number;
  top?: number;
  stale?: boolean;
}) {
  const from = to - seconds * 1000;
  const shown = points.filter(({ at }) => at >= from && at <= to);
  const frame = { from, to, top: top ?? largest(shown) ?? 1, width, height };
  const { line, area } = sparklinePaths(shown, frame);
  return (
    <svg
      className={styles['sparkline']}
      data-stale={stale}
      viewBox={`0 -1.5 ${width} ${height + 3}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path className={styles['base']} d={`M0 ${height}H${width}`} />
      <path className={styles['area']} d={area} />
      <path className={styles['line']} d={line} />
    </svg>
  );
});
