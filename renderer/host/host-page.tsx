import { ActionIcon } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useCallback, useMemo } from 'react';
import { Link, useLocation } from 'wouter';
import { type Command, useCommands } from '../app/commands.ts';
import { places } from '../app/routes.ts';
import type { LabState } from '../stream/state.ts';
import { Age } from '../ui/age.tsx';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { Empty } from '../ui/empty.tsx';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { HostActions } from './actions.tsx';
import { Charts } from './charts.tsx';
import { isStale, reconnectText, statusFreshFor } from './health.ts';
import styles from './host-page.module.css';
import { hostRows } from './host-rows.ts';
import { noSamples } from './load.tsx';
import {
  AgentPanel,
  DockerPanel,
  EtcdPanel,
  InterfacesPanel,
  LeasePanel,
  MachinePanel,
  PeersPanel,
  PodsPanel,
} from './panels.tsx';
import { Reach } from './reach.tsx';

function useNeighbours(
  lab: string,
  names: readonly string[],
  host: string,
): { before: string | null; after: string | null } {
  const [, navigate] = useLocation();
  const index = names.indexOf(host);
  const before = names[index - 1] ?? null;
  const after = index === -1 ? null : (names[index + 1] ?? null);
  const go = useCallback(
    (name: string | null) => {
      if (name !== null) navigate(places.host(lab, name));
    },
    [lab, navigate],
  );
  const commands = useMemo(
    (): Command[] => [
      { id: 'host-before', label: 'Previous host', group: 'Go to', shortcut: 'k', perform: () => go(before) },
      { id: 'host-after', label: 'Next host', group: 'Go to', shortcut: 'j', perform: () => go(after) },
    ],
    [go, before, after],
  );
  useCommands(commands);
  // What scrolls sideways keeps its arrow keys, and so does everything that is not of this page.
  const turn = (name: string | null) => (event: KeyboardEvent) => {
    const { target } = event;
    const free =
      target === document.body ||
      target === document.getElementById('main') ||
      (target instanceof HTMLElement &&
        target.closest('[data-host-page]') !== null &&
        target.closest('[role="group"]') === null);
    if (free) go(name);
  };
  useHotkeys([
    ['ArrowLeft', turn(before), { preventDefault: false }],
    ['ArrowRight', turn(after), { preventDefault: false }],
  ]);
  return { before, after };
}

function Step({ lab, host, label }: { lab: string; host: string | null; label: string }) {
  const Icon = label.startsWith('Next') ? IconChevronRight : IconChevronLeft;
  return host === null ? (
    <ActionIcon aria-label={label} disabled>
      <Icon size={18} />
    </ActionIcon>
  ) : (
    <ActionIcon
      component={Link}
      href={places.host(lab, host)}
      aria-label={`${label}, ${host}`}
      title={`${label}, ${host}`}
    >
      <Icon size={18} />
    </ActionIcon>
  );
}

/** Everything that is known of one host, each group of values with its age. */
export function HostPage({ state, host: name }: { state: LabState; host: string }) {
  const { name: lab } = state.lab;
  const now = useNow();
  const { before, after } = useNeighbours(lab, [...state.hosts.keys()], name);
  const host = state.hosts.get(name);
  if (host === undefined) {
    return (
      <Empty title={`There is no host ${JSON.stringify(name)}`}>
        It may not have been seen yet. <Link href={places.hosts(lab)}>All hosts</Link>
      </Empty>
    );
  }
  const { status, reach } = host;
  const stale = isStale(host, now);
  const shared = { host, stale };
  return (
    <div className={styles['page']} data-host-page>
      <header className={styles['header']}>
        <div className={styles['steps']}>
          <Step lab={lab} host={before} label="Previous host" />
          <Step lab={lab} host={after} label="Next host" />
        </div>
        <h2 className={styles['name']}>{name}</h2>
        <Reach host={host} tinted />
        <span className={styles['quiet']}>
          <span className="mono">{status.address}</span>, {status.provider}, read{' '}
          <Age at={status.at} staleAfter={statusFreshFor / 1000} />
        </span>
        <div className={styles['actions']}>
          <HostActions lab={lab} host={host} />
          <CopyMenu label={`all of ${name}`} rows={() => hostRows(host)} json={() => host} />
        </div>
      </header>
      {reach.kind === 'reconnecting' && (
        <p className={styles['lost']} role="status">
          <StatusIcon health="bad" />
          <span>
            <strong>{name} does not answer</strong>, {reconnectText(reach.nextTryAt, now)} (attempt{' '}
            {reach.attempt}). {reach.reason}
          </span>
        </p>
      )}
      {status.error !== null && reach.kind === 'connected' && (
        <p className={styles['lost']} role="status">
          <StatusIcon health="warning" />
          <span>{status.error}</span>
        </p>
      )}
      <div className={styles['grid']}>
        <InterfacesPanel {...shared} />
        <LeasePanel {...shared} />
        <DockerPanel {...shared} />
        <AgentPanel {...shared} />
        <EtcdPanel {...shared} />
      </div>
      <Charts samples={state.samples.get(name) ?? noSamples} stale={stale} />
      <div className={styles['grid']}>
        <PodsPanel {...shared} lab={lab} />
        <MachinePanel {...shared} />
        <PeersPanel {...shared} />
      </div>
    </div>
  );
}
