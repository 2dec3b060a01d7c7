import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Sample } from '../../contract/live.ts';
import { setView, useView } from '../app/view.ts';
import { Age } from '../ui/age.tsx';
import { Chart, type ChartLine } from '../ui/chart.tsx';
import { formatBytes, formatRate, formatTime } from '../ui/format.ts';
import { useNow } from '../ui/use-now.ts';
import styles from './charts.module.css';
import { columnsOf, type Reading } from './series.ts';

interface Plot {
  readonly title: string;
  readonly lines: readonly {
    readonly label: string;
    readonly reading: Reading;
    readonly colour: ChartLine['colour'];
  }[];
  readonly format: (value: number) => string;
  /** The least value that the axis reaches to. */
  readonly top: number;
}

const bothWays = (received: Reading, sent: Reading): Plot['lines'] => [
  { label: 'received', reading: received, colour: 'accent' },
  { label: 'sent', reading: sent, colour: 'warningMark' },
];

const wholeOrTenths = (value: number): string =>
  value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);

const plots: readonly Plot[] = [
  {
    title: 'Overlay',
    lines: bothWays('overlayReceived', 'overlaySent'),
    format: formatRate,
    top: 1000,
  },
  {
    title: 'Underlay',
    lines: bothWays('underlayReceived', 'underlaySent'),
    format: formatRate,
    top: 1000,
  },
  {
    title: 'Drops',
    lines: [
      { label: 'overlay', reading: 'overlayDrops', colour: 'accent' },
      { label: 'underlay', reading: 'underlayDrops', colour: 'warningMark' },
    ],
    format: (value) => `${wholeOrTenths(value)} /s`,
    top: 1,
  },
  {
    title: 'CPU',
    lines: [{ label: 'CPU', reading: 'cpu', colour: 'accent' }],
    format: (value) => `${value.toFixed(2)} cores`,
    top: 0.5,
  },
  {
    title: 'Steal',
    lines: [{ label: 'steal', reading: 'steal', colour: 'accent' }],
    format: (value) => `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`,
    top: 0.02,
  },
  {
    title: 'Memory',
    lines: [{ label: 'memory', reading: 'memory', colour: 'accent' }],
    format: formatBytes,
    top: 2 ** 24,
  },
];

const windows = [
  { value: '60', label: '1 min' },
  { value: '300', label: '5 min' },
  { value: '900', label: '15 min' },
];

/** The span that is shown: up to now, or around the moment that is looked at when that is longer ago. */
function spanOf(now: number, seconds: number, cursor: number | null): { from: number; to: number } {
  const length = seconds * 1000;
  if (cursor === null || (cursor >= now - length && cursor <= now)) return { from: now - length, to: now };
  return { from: cursor - length / 2, to: cursor + length / 2 };
}

function PlotChart({
  plot,
  samples,
  from,
  to,
  cursor,
  stale,
}: {
  plot: Plot;
  samples: readonly Sample[];
  from: number;
  to: number;
  cursor: number | null;
  stale: boolean;
}) {
  const { times, lines } = useMemo(() => {
    const { times: moments, columns } = columnsOf(
      samples,
      plot.lines.map(({ reading }) => reading),
      from,
      to,
    );
    return {
      times: moments,
      lines: plot.lines.map(({ label, colour }, index) => ({ label, colour, values: columns[index] ?? [] })),
    };
  }, [plot, samples, from, to]);
  return (
    <Chart
      title={plot.title}
      times={times}
      lines={lines}
      from={from}
      to={to}
      marker={cursor}
      format={plot.format}
      top={plot.top}
      stale={stale}
      onPick={(moment) => setView({ cursor: moment })}
    />
  );
}

/** Load and traffic of a host over one time axis. A click moves the time cursor there; hovering only reads. */
export function Charts({ samples, stale }: { samples: readonly Sample[]; stale: boolean }) {
  const [seconds, setSeconds] = useState('300');
  const cursor = useView((view) => view.cursor);
  const now = useNow();
  const { from, to } = spanOf(now, Number(seconds), cursor);
  const last = samples.at(-1);
  return (
    <section className={styles['charts']} aria-labelledby="charts-title">
      <header className={styles['head']}>
        <h3 className={styles['title']} id="charts-title">
          Load and traffic
        </h3>
        {last === undefined ? (
          <span className={styles['quiet']}>nothing measured yet</span>
        ) : (
          <Age at={last.at} staleAfter={12} />
        )}
        {cursor !== null && (
          <span className={styles['cursor']}>
            values at {formatTime(cursor)}
            <Button size="compact-xs" variant="subtle" onClick={() => setView({ cursor: null })}>
              Back to now
            </Button>
          </span>
        )}
        <SegmentedControl
          className={styles['windows']}
          size="xs"
          aria-label="Time shown"
          data={windows}
          value={seconds}
          onChange={setSeconds}
        />
      </header>
      <div className={styles['grid']}>
        {plots.map((plot) => (
          <PlotChart
            key={plot.title}
            plot={plot}
            samples={samples}
            from={from}
            to={to}
            cursor={cursor}
            stale={stale}
          />
        ))}
      </div>
    </section>
  );
}
