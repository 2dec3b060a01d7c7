import { TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconSearch } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { LiveHost, Sample } from '../../contract/live.ts';
import { places } from '../app/routes.ts';
import { Age } from '../ui/age.tsx';
import { count, formatBytes, formatRate } from '../ui/format.ts';
import { Sparkline } from '../ui/sparkline.tsx';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { healthOfService, isStale } from './health.ts';
import { arrange, type HostLine, lineOf, type Sorting, type SortKey } from './host-list.ts';
import styles from './hosts.module.css';
import { noSamples, sparklineSeconds } from './load.tsx';
import { Reach } from './reach.tsx';
import { seriesOf } from './series.ts';

const columns: readonly {
  readonly label: string;
  readonly key: SortKey | null;
  readonly numeric?: boolean;
}[] = [
  { label: 'Host', key: 'name' },
  { label: 'Reach', key: 'health' },
  { label: 'etcd', key: null },
  { label: 'Agent', key: null },
  { label: 'Docker', key: null },
  { label: 'Overlay', key: null },
  { label: 'Subnet', key: 'subnet' },
  { label: 'Lease', key: 'renewed', numeric: true },
  { label: 'CPU', key: 'cpu', numeric: true },
  { label: 'Memory', key: 'memory', numeric: true },
  { label: 'Received', key: 'received', numeric: true },
  { label: 'Sent', key: 'sent', numeric: true },
  { label: 'Pods', key: null, numeric: true },
];

function ServiceCell({
  host,
  service,
  stale,
}: {
  host: LiveHost;
  service: 'etcd' | 'agent' | 'docker';
  stale: boolean;
}) {
  const { health, word } = healthOfService(host, service);
  const leader = service === 'etcd' && host.etcd?.leader === true && !stale;
  return (
    <td>
      <span className={styles['service']} title={`${service}: ${word}`}>
        <StatusIcon health={stale ? 'stale' : health} />
        {leader ? 'leader' : stale ? `was ${word}` : word}
      </span>
    </td>
  );
}

const Row = memo(function Row({
  lab,
  line,
  samples,
  index,
}: {
  lab: string;
  line: HostLine;
  samples: readonly Sample[];
  index: number;
}) {
  const { host, last } = line;
  const stale = isStale(host, useNow());
  const since = (last?.at ?? 0) - sparklineSeconds * 1000;
  return (
    <tr data-stale={stale} aria-rowindex={index + 2}>
      <th scope="row">
        <Link href={places.host(lab, host.name)}>{host.name}</Link>
        <span className={styles['address']}>{host.status.address}</span>
      </th>
      <td>
        <Reach host={host} />
      </td>
      <ServiceCell host={host} service="etcd" stale={stale} />
      <ServiceCell host={host} service="agent" stale={stale} />
      <ServiceCell host={host} service="docker" stale={stale} />
      <td className="mono">{line.device || '–'}</td>
      <td className="mono">{line.subnet || '–'}</td>
      <td className={styles['number']}>
        {line.renewedAt === null ? '–' : <Age at={line.renewedAt} staleAfter={Number.POSITIVE_INFINITY} />}
      </td>
      <td className={styles['number']}>
        <span className={styles['spark']}>
          <span>{last?.cpu == null ? '–' : last.cpu.toFixed(2)}</span>
          <Sparkline
            points={seriesOf(samples, 'cpu', since)}
            label={`CPU of ${host.name}`}
            to={last?.at ?? 0}
            seconds={sparklineSeconds}
            stale={stale}
          />
        </span>
      </td>
      <td className={styles['number']}>{last?.memoryBytes == null ? '–' : formatBytes(last.memoryBytes)}</td>
      <td className={styles['number']}>
        {last?.overlay == null ? '–' : formatRate(last.overlay.receivedBytes)}
      </td>
      <td className={styles['number']}>{last?.overlay == null ? '–' : formatRate(last.overlay.sentBytes)}</td>
      <td className={styles['number']}>{host.status.pods.length}</td>
    </tr>
  );
});

/** Many hosts as a table: sorted by a column, searched by words, and only as many rows drawn as are in view. */
export function HostTable({
  lab,
  hosts,
  samples,
  copy,
}: {
  lab: string;
  hosts: readonly LiveHost[];
  samples: ReadonlyMap<string, readonly Sample[]>;
  copy: ReactNode;
}) {
  const [filter, setFilter] = useState('');
  const [sorting, setSorting] = useState<Sorting>({ key: 'name', descending: false });
  const now = useNow();
  const lines = arrange(
    hosts.map((host) => lineOf(host, samples.get(host.name) ?? noSamples, now)),
    filter,
    sorting,
  );
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 34,
    overscan: 8,
  });
  const rows = virtual.getVirtualItems();
  const above = rows[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (rows.at(-1)?.end ?? 0);
  const sortBy = (key: SortKey) =>
    setSorting(({ key: current, descending }) => ({ key, descending: current === key && !descending }));
  return (
    <div className={styles['list']}>
      <header className={styles['header']}>
        <h2 className={styles['title']}>{count(hosts.length, 'host')}</h2>
        <TextInput
          size="xs"
          className={styles['filter']}
          aria-label="Filter hosts"
          placeholder="Filter by name, state, address or pod"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
        {filter !== '' && (
          <span className={styles['found']} role="status">
            {count(lines.length, 'match', 'matches')}
          </span>
        )}
        {copy}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
      <div className={styles['scroll']} ref={scroll} tabIndex={0} role="group" aria-label="Hosts of the lab">
        <table className={styles['table']} aria-rowcount={lines.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map(({ label, key, numeric }) => (
                <th
                  key={label}
                  scope="col"
                  data-numeric={numeric}
                  aria-sort={
                    key !== sorting.key ? undefined : sorting.descending ? 'descending' : 'ascending'
                  }
                >
                  {key === null ? (
                    label
                  ) : (
                    <button type="button" className={styles['sort']} onClick={() => sortBy(key)}>
                      {label}
                      {key === sorting.key &&
                        (sorting.descending ? (
                          <IconArrowDown size={13} aria-hidden />
                        ) : (
                          <IconArrowUp size={13} aria-hidden />
                        ))}
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {above > 0 && (
              <tr className={styles['space']}>
                <td className={styles['gap']} colSpan={columns.length} style={{ height: above }} />
              </tr>
            )}
            {rows.map(({ index }) => {
              const line = lines[index];
              return line === undefined ? null : (
                <Row
                  key={line.host.name}
                  lab={lab}
                  line={line}
                  index={index}
                  samples={samples.get(line.host.name) ?? noSamples}
                />
              );
            })}
            {below > 0 && (
              <tr className={styles['space']}>
                <td className={styles['gap']} colSpan={columns.length} style={{ height: below }} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}
