import { useStream } from '../stream/store.ts';
import type { Point } from './geometry.ts';
import { type Link, wordsOf } from './links.ts';
import { pairsOf } from './pairs.ts';
import styles from './topology.module.css';

/** A link that is pointed at, and where, from the upper left corner of the picture. */
export interface Tip extends Point {
  readonly link: Link;
}

/** What is known of the link that is pointed at, above the hosts. */
export function LinkTip({ tip: { link, x, y } }: { tip: Tip }) {
  const lab = useStream((state) => state.lab);
  if (lab === null) return null;
  const { hosts, samples, probes } = lab;
  const picture = { hosts, samples, pairs: pairsOf(probes), underlayMtu: lab.lab.underlay.mtu };
  const [title, ...lines] = wordsOf(link, picture, Date.now());
  return (
    <div className={styles['tip']} style={{ left: x, top: y }}>
      <strong>{title}</strong>
      {lines.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </div>
  );
}
