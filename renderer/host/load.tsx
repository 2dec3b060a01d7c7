import { memo } from 'react';
import type { LiveHost, Sample } from '../../contract/live.ts';
import { formatBytes, formatRate } from '../ui/format.ts';
import { Sparkline } from '../ui/sparkline.tsx';
import styles from './load.module.css';
import { seriesOf } from './series.ts';

/** How much time the small lines show. */
export const sparklineSeconds = 180;

export const noSamples: readonly Sample[] = [];

/** Busy processors of those that there are: `0.42 of 4`. */
const formatProcessors = (cpu: number | null, processors: number): string =>
  cpu === null ? '–' : `${cpu.toFixed(2)} of ${processors}`;

/** A host's load and traffic as small lines with the latest values. */
export const Load = memo(function Load({
  host,
  samples,
  stale,
}: {
  host: LiveHost['name'];
  samples: readonly Sample[];
  stale: boolean;
}) {
  const last = samples.at(-1);
  if (last === undefined) return <p className={styles['none']}>no load measured yet</p>;
  const since = last.at - sparklineSeconds * 1000;
  const shared = { to: last.at, seconds: sparklineSeconds, stale };
  const cpu = formatProcessors(last.cpu, last.processors);
  const memory = last.memoryBytes === null ? '–' : formatBytes(last.memoryBytes);
  return (
    <div className={styles['load']} data-stale={stale}>
      <div>
        <span className={styles['what']}>CPU</span>
        <strong>{cpu}</strong>
        <Sparkline
          points={seriesOf(samples, 'cpu', since)}
          label={`CPU of ${host}: ${cpu}`}
          {...shared}
          top={Math.max(1, last.processors / 4)}
        />
      </div>
      <div>
        <span className={styles['what']}>Memory</span>
        <strong>{memory}</strong>
        <Sparkline
          points={seriesOf(samples, 'memory', since)}
          label={`Memory of ${host}: ${memory}`}
          {...shared}
          {...(last.memoryLimitBytes === null ? {} : { top: last.memoryLimitBytes })}
        />
      </div>
      <div>
        <span className={styles['what']}>Overlay ↓</span>
        <strong>{last.overlay === null ? '–' : formatRate(last.overlay.receivedBytes)}</strong>
        <Sparkline
          points={seriesOf(samples, 'overlayReceived', since)}
          label={`Received by ${host} over the overlay`}
          {...shared}
        />
      </div>
      <div>
        <span className={styles['what']}>Overlay ↑</span>
        <strong>{last.overlay === null ? '–' : formatRate(last.overlay.sentBytes)}</strong>
        <Sparkline
          points={seriesOf(samples, 'overlaySent', since)}
          label={`Sent by ${host} over the overlay`}
          {...shared}
        />
      </div>
    </div>
  );
});
