import { memo, useMemo } from 'react';
import { formatSeconds } from '../ui/format.ts';
import styles from './lane-chart.module.css';
import type { Bar, Lane, Lanes } from './lanes.ts';

const words: Record<Bar['state'], string> = {
  pending: 'expected',
  running: 'running',
  changed: 'done',
  unchanged: 'was there already',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** Round numbers of seconds for the axis, about five of them. */
function ticksOf(seconds: number): number[] {
  const rough = seconds / 5;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.1)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
}

/** A plan is all expectation, running work has a present, and what is over is only as it was. */
type Mode = 'plan' | 'running' | 'over';

/**
 * What runs side by side, one lane a host, from left to right in time. `now` is seconds since the beginning; while work
 * runs, a line stands there. The picture is described by `label`, and each bar says what it is.
 */
export function LaneChart({
  lanes,
  mode,
  now,
  label,
}: {
  lanes: Lanes;
  mode: Mode;
  now: number;
  label: string;
}) {
  const span = Math.max(lanes.seconds, 0.1) * 1.02;
  const ticks = useMemo(() => ticksOf(lanes.seconds), [lanes.seconds]);
  return (
    <figure className={styles['chart']} aria-label={label} data-mode={mode}>
      <div className={styles['lanes']}>
        {lanes.lanes.map((lane) => (
          <LaneRow key={lane.host ?? ''} lane={lane} span={span} mode={mode} now={now} />
        ))}
      </div>
      <div className={styles['axis']} aria-hidden>
        <span />
        <div className={styles['ticks']}>
          {ticks.map((tick) => (
            <span key={tick} style={{ left: `${(tick / span) * 100}%` }}>
              {tick === 0 ? '0' : `${Number(tick.toFixed(1))} s`}
            </span>
          ))}
        </div>
      </div>
    </figure>
  );
}

/** About how much of a lane's width a letter takes. */
const letterShare = 0.008;

/** Whether a title fits between a bar and the next one of its row; where nothing follows there is always room. */
function hasRoom(bar: Bar, bars: readonly Bar[], span: number): boolean {
  const next = Math.min(
    ...bars.filter(({ track, start }) => track === bar.track && start >= bar.end).map(({ start }) => start),
  );
  return (Math.min(next, span * 1.05) - bar.end) / span > bar.title.length * letterShare;
}

function LaneRow({ lane, span, mode, now }: { lane: Lane; span: number; mode: Mode; now: number }) {
  const running = lane.bars.some(({ state }) => state === 'running');
  const over = lane.bars.filter(({ state }) => state === 'changed' || state === 'unchanged').length;
  return (
    <div className={styles['lane']} data-running={running}>
      <div className={styles['host']}>
        <span>{lane.host ?? 'all hosts'}</span>
        {mode !== 'plan' && (
          <span className={styles['count']}>
            {over}/{lane.bars.length}
          </span>
        )}
      </div>
      <ol
        className={styles['track']}
        style={{ height: `calc(${lane.tracks} * var(--row))` }}
        aria-label={`Steps of ${lane.host ?? 'all hosts'}`}
      >
        {lane.bars.map((bar) => (
          <BarItem
            key={bar.id}
            title={bar.title}
            state={bar.state}
            track={bar.track}
            left={(bar.start / span) * 100}
            width={((bar.end - bar.start) / span) * 100}
            seconds={Math.round((bar.end - bar.start) * 10) / 10}
            filled={bar.state === 'running' ? filledShare(bar, now) : 0}
            // Steps of all hosts are short and stand alone: their titles may stand beside them.
            beside={lane.host === null && hasRoom(bar, lane.bars, span)}
          />
        ))}
        {mode === 'running' && (
          <li
            className={styles['now']}
            style={{ left: `${Math.min(100, (now / span) * 100)}%` }}
            aria-hidden
          />
        )}
      </ol>
    </div>
  );
}

const filledShare = (bar: Bar, now: number): number =>
  bar.end > bar.start ? Math.min(1, Math.max(0, (now - bar.start) / (bar.end - bar.start))) : 0;

const BarItem = memo(function BarItem({
  title,
  state,
  track,
  left,
  width,
  seconds,
  filled,
  beside,
}: {
  title: string;
  state: Bar['state'];
  track: number;
  left: number;
  width: number;
  seconds: number;
  filled: number;
  beside: boolean;
}) {
  const told = `${title}: ${words[state]}${state === 'cancelled' ? '' : `, ${formatSeconds(seconds)}`}`;
  return (
    <li
      className={styles['bar']}
      data-state={state}
      data-beside={beside}
      title={told}
      aria-label={told}
      style={{
        left: `${left}%`,
        width: `max(3px, calc(${width}% - 2px))`,
        top: `calc(${track} * var(--row))`,
      }}
    >
      {state === 'running' && <i className={styles['fill']} style={{ width: `${filled * 100}%` }} />}
      <span className={styles['title']}>{title}</span>
    </li>
  );
});
