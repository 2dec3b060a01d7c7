import { IconX } from '@tabler/icons-react';
import { memo } from 'react';
import { formatMilliseconds } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { kinds, type Shown } from './cell.ts';
import styles from './legend.module.css';
import type { RampRange } from './ramp.ts';
import type { Summary } from './summary.ts';

const shortNames = { ping: 'ping', mtu: 'MTU', source: 'source', http: 'port' };

const number = (value: number) => value.toLocaleString('en');

/** How many cells of each kind are green: `42/42 ping`. */
export const Totals = memo(function Totals({ totals }: Pick<Summary, 'totals'>) {
  return (
    <ul className={styles['totals']} aria-label="Green cells of each kind">
      {kinds.map((kind) => {
        const { green, stale, all } = totals[kind];
        const health = all === 0 ? 'stale' : green + stale < all ? 'bad' : stale > 0 ? 'stale' : 'good';
        return (
          <li key={kind}>
            <Status health={health}>
              {all === 0 ? 'no' : `${number(green + stale)}/${number(all)}`} {shortNames[kind]}
              {stale > 0 && (green === 0 ? ', stale' : `, ${number(stale)} stale`)}
            </Status>
          </li>
        );
      })}
    </ul>
  );
});

/** What the looks of the cells mean. */
export const Legend = memo(function Legend({ shown, range }: { shown: Shown; range: RampRange | null }) {
  return (
    <ul className={styles['legend']} aria-label="Legend">
      {shown === 'rtt' && range !== null ? (
        <li>
          {formatMilliseconds(range.low)}
          <span className={styles['ramp']} />
          {formatMilliseconds(range.high)}
        </li>
      ) : (
        <li>
          <span className={styles['swatch']} data-look="good" />
          as expected
        </li>
      )}
      <li>
        <span className={styles['swatch']} data-look="bad">
          <IconX size={10} stroke={3} aria-hidden />
        </span>
        red
      </li>
      <li>
        <span className={styles['swatch']} data-look="stale" />
        stale
      </li>
      <li>
        <span className={styles['swatch']} data-look="empty" />
        no data
      </li>
    </ul>
  );
});
