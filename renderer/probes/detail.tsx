import { ActionIcon, Anchor, Button } from '@mantine/core';
import { IconArrowsExchange, IconRefresh, IconStairs, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Link } from 'wouter';
import type { HistoryEntry } from '../../contract/history.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { places } from '../app/routes.ts';
import { median } from '../stream/verdict.ts';
import { redIntervals } from '../timeline/intervals.ts';
import { Age } from '../ui/age.tsx';
import { count, formatMilliseconds, formatTime } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { kindNames, kinds } from './cell.ts';
import styles from './detail.module.css';
import type { End } from './ends.ts';
import { type Freshness, isStale } from './freshness.ts';
import { Ladder } from './ladder.tsx';
import { rttHistory, sparkline } from './rtt-history.ts';

/** Since when a pair is red (Unix ms), as far as the history goes back; null when it is not. */
function useRedSince(history: readonly HistoryEntry[], from: string, to: string): number | null {
  return useMemo(() => {
    const own = history.filter(({ pair }) => pair !== null && pair.from === from && pair.to === to);
    return redIntervals(own).find((interval) => interval.to === null)?.from ?? null;
  }, [history, from, to]);
}

function Direction({
  from,
  to,
  results,
  freshness,
  moment,
  history,
}: {
  from: string;
  to: string;
  results: readonly ProbeResult[];
  freshness: Freshness;
  moment: number | null;
  history: readonly HistoryEntry[];
}) {
  const since = useRedSince(history, from, to);
  return (
    <section className={styles['direction']}>
      <h3>
        {from} → {to}
        {since !== null && moment === null && results.some(({ ok }) => !ok) && (
          <span className={styles['since']}>
            red for <Age at={since} staleAfter={Number.POSITIVE_INFINITY} />, since {formatTime(since)}
          </span>
        )}
      </h3>
      {results.length === 0 ? (
        <Status health="stale">{moment === null ? 'Not measured yet' : 'Not measured by then'}</Status>
      ) : (
        <table className={styles['table']} aria-label={`What was measured from ${from} to ${to}`}>
          <thead>
            <tr>
              <th scope="col">Probe</th>
              <th scope="col">Seen</th>
              <th scope="col">Expected</th>
              <th scope="col">{moment === null ? 'Age' : 'At'}</th>
            </tr>
          </thead>
          <tbody>
            {kinds.map((kind) => {
              const result = results.find((one) => one.kind === kind);
              if (result === undefined) return null;
              const stale = isStale(result, freshness);
              const health = stale ? 'stale' : result.ok ? 'good' : 'bad';
              return (
                <tr key={kind}>
                  <th scope="row">
                    <Status health={health}>{kindNames[kind]}</Status>
                  </th>
                  <td
                    className={`${styles['seen']} ${stale ? styles['stale'] : result.ok ? '' : styles['red']}`}
                  >
                    {result.seen === '' ? (result.ok ? 'as expected' : 'failed') : result.seen}
                  </td>
                  <td className={styles['expected']}>{result.expected}</td>
                  <td>{moment === null ? <Age at={result.at} staleAfter={900} /> : formatTime(result.at)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Sparkline({ lab, ping }: { lab: string; ping: ProbeResult }) {
  const points = useMemo(() => rttHistory(lab, ping), [lab, ping]);
  if (points.length < 2) return null;
  const { path } = sparkline(points);
  const times = points.flatMap(({ milliseconds }) => (milliseconds === null ? [] : [milliseconds]));
  const lost = points.length - times.length;
  const middle = median(times);
  const words =
    middle === null
      ? 'no answer'
      : `p50 ${formatMilliseconds(middle)}, ${formatMilliseconds(Math.min(...times))} to ${formatMilliseconds(Math.max(...times))}`;
  return (
    <div className={styles['spark']}>
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <p>
        RTT of the last {count(points.length, 'measurement')}: {words}
        {lost > 0 && `, ${lost} lost`}
      </p>
    </div>
  );
}

interface PairLine {
  readonly from: string;
  readonly to: string;
  readonly ok: boolean;
  readonly words: string;
}

/** One line for each pair: what is red of it, or how fast it answers. */
function pairLines(results: readonly ProbeResult[]): PairLine[] {
  const pairs = new Map<string, ProbeResult[]>();
  for (const result of results) {
    const key = `${result.from.kind} ${result.from.name} ${result.to.name}`;
    pairs.set(key, [...(pairs.get(key) ?? []), result]);
  }
  const lines = [...pairs.values()].flatMap((own): PairLine[] => {
    const red = own.filter(({ ok }) => !ok);
    const telling = red[0] ?? own.find(({ kind }) => kind === 'ping') ?? own[0];
    if (telling === undefined) return [];
    const names = red.map(({ kind }) => kindNames[kind]).join(', ');
    return [
      {
        from: telling.from.name,
        to: telling.to.name,
        ok: red.length === 0,
        words: red.length === 0 ? telling.seen : `${names}: ${telling.seen}`,
      },
    ];
  });
  return lines.sort((one, other) => Number(one.ok) - Number(other.ok));
}

function HostPair({
  lab,
  from,
  to,
  results,
}: {
  lab: string;
  from: End;
  to: End;
  results: readonly ProbeResult[];
}) {
  const lines = useMemo(() => pairLines(results), [results]);
  const red = lines.filter(({ ok }) => !ok).length;
  if (lines.length === 0) return <Status health="stale">Nothing was measured between these hosts</Status>;
  return (
    <section className={styles['direction']}>
      <Status health={red > 0 ? 'bad' : 'good'}>
        {red > 0 ? `${red} of ${count(lines.length, 'pair')}` : count(lines.length, 'pair')} from {from.name}{' '}
        to {to.name} {red > 0 ? 'red' : 'as expected'}
      </Status>
      <ul className={styles['pairs']} aria-label={`Pairs from ${from.name} to ${to.name}`}>
        {lines.slice(0, 100).map((line) => (
          <li key={`${line.from} ${line.to}`}>
            <Link href={places.probes(lab, line)}>
              <span>
                {line.from} → {line.to}
              </span>
              <span className={line.ok ? '' : styles['red']}>{line.words}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One pair in words: both directions, each kind with what was expected and seen, and what can be done about it. */
export function Detail({
  lab,
  from,
  to,
  there,
  back,
  freshness,
  moment,
  history,
  ladder,
  onLadder,
  onMeasure,
  onClose,
}: {
  lab: string;
  from: End;
  to: End;
  there: readonly ProbeResult[];
  back: readonly ProbeResult[];
  freshness: Freshness;
  moment: number | null;
  history: readonly HistoryEntry[];
  ladder: boolean;
  onLadder: (open: boolean) => void;
  onMeasure: () => void;
  onClose: () => void;
}) {
  const byHost = to.kind === 'all';
  const ping = there.find(({ kind }) => kind === 'ping');
  return (
    <aside
      className={styles['panel']}
      aria-label={`Details of ${from.name} to ${to.name}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header className={styles['head']}>
        <h2 className={styles['title']}>
          {from.name} → {to.name}
        </h2>
        {(byHost || from.kind === 'pod') && (
          <ActionIcon
            component={Link}
            href={places.probes(lab, { from: to.name, to: from.name })}
            aria-label="The other direction (x)"
            title="The other direction (x)"
          >
            <IconArrowsExchange size={16} />
          </ActionIcon>
        )}
        <ActionIcon aria-label="Close details" title="Close details (Esc)" onClick={onClose}>
          <IconX size={16} />
        </ActionIcon>
      </header>
      <div className={styles['body']}>
        <p className={styles['where']}>
          <span>
            from{' '}
            <Anchor component={Link} href={places.host(lab, from.host)} inherit underline="always">
              {from.host}
            </Anchor>
          </span>
          <span>
            to{' '}
            <Anchor component={Link} href={places.host(lab, to.host)} inherit underline="always">
              {to.host}
            </Anchor>
          </span>
          <span>{from.host === to.host ? 'on the same host' : 'across hosts'}</span>
        </p>
        <div className={styles['actions']}>
          <Button size="xs" leftSection={<IconRefresh size={14} />} onClick={onMeasure}>
            {byHost ? 'Measure all pairs' : 'Measure again'}
          </Button>
          {!byHost && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconStairs size={14} />}
              aria-expanded={ladder}
              title="MTU ladder (m)"
              onClick={() => onLadder(!ladder)}
            >
              MTU ladder
            </Button>
          )}
        </div>
        {ladder && !byHost && (
          <Ladder key={`${from.name} ${to.name}`} lab={lab} from={from.name} to={to.name} />
        )}
        {byHost ? (
          <HostPair lab={lab} from={from} to={to} results={there} />
        ) : (
          <>
            <Direction
              from={from.name}
              to={to.name}
              results={there}
              freshness={freshness}
              moment={moment}
              history={history}
            />
            {ping !== undefined && moment === null && <Sparkline lab={lab} ping={ping} />}
            {from.kind === 'pod' && (
              <Direction
                from={to.name}
                to={from.name}
                results={back}
                freshness={freshness}
                moment={moment}
                history={history}
              />
            )}
          </>
        )}
      </div>
    </aside>
  );
}
