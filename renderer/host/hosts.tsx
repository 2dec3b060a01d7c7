import { useMemo } from 'react';
import type { LabState } from '../stream/state.ts';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { Empty } from '../ui/empty.tsx';
import { count } from '../ui/format.ts';
import { HostCard } from './host-card.tsx';
import { HostTable } from './host-table.tsx';
import styles from './hosts.module.css';
import { noSamples } from './load.tsx';

/** More hosts than this are lines of a table. */
const mostCards = 12;

function tableOf(state: LabState): string[][] {
  return [
    ['HOST', 'REACH', 'ADDRESS', 'ETCD', 'AGENT', 'DOCKER', 'SUBNET', 'PODS'],
    ...[...state.hosts.values()].map(({ name, reach, status }) => [
      name,
      reach.kind,
      status.address,
      status.services.etcd,
      status.services.agent,
      status.services.docker,
      status.agent?.subnet ?? '',
      `${status.pods.length}`,
    ]),
  ];
}

/** All hosts of a lab: as cards while they are few, as a table that can be sorted and searched when they are many. */
export function Hosts({ state }: { state: LabState }) {
  const hosts = useMemo(() => [...state.hosts.values()], [state.hosts]);
  const { name: lab } = state.lab;
  if (hosts.length === 0)
    return <Empty title="No host has been seen yet">They appear here as soon as they answer.</Empty>;
  const copy = <CopyMenu label="hosts" rows={() => tableOf(state)} json={() => hosts} />;
  if (hosts.length > mostCards)
    return <HostTable lab={lab} hosts={hosts} samples={state.samples} copy={copy} />;
  return (
    <div className={styles['page']}>
      <header className={styles['header']}>
        <h2 className={styles['title']}>{count(hosts.length, 'host')}</h2>
        {copy}
      </header>
      <ul className={styles['cards']}>
        {hosts.map((host) => (
          <li key={host.name}>
            <HostCard lab={lab} host={host} samples={state.samples.get(host.name) ?? noSamples} />
          </li>
        ))}
      </ul>
    </div>
  );
}
