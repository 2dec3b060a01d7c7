import { Menu } from '@mantine/core';
import {
  IconArrowsLeftRight,
  IconBraces,
  IconCopy,
  IconDots,
  IconFileText,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconTerminal2,
  IconTrash,
} from '@tabler/icons-react';
import { memo } from 'react';
import { useLocation } from 'wouter';
import type { PodStatus } from '../../contract/status.ts';
import { places } from '../app/routes.ts';
import { useClient } from '../rpc/use-client.ts';
import { openPodLogs, openTerminalFor } from '../terminal/open.ts';
import { Status } from '../ui/status.tsx';
import type { Room } from './columns.ts';
import styles from './containers.module.css';
import { actionOn, askPod, doing, usePodWork } from './pod-work.ts';
import { type PodRow, podHealth } from './pods.ts';
import { joinWords } from './words.ts';

const copy = (text: string): void => void navigator.clipboard.writeText(text);

/** One container: what it is, how it is, and what can be done with it. */
export const PodLine = memo(function PodLine({
  lab,
  index,
  room,
  row,
  current,
  linked,
  menu,
  onMenu,
  onCurrent,
  onRemove,
}: {
  lab: string;
  /** Its place in the table, counted from 0. */
  index: number;
  room: Room;
  row: PodRow;
  /** Whether Tab stops at it. */
  current: boolean;
  linked: boolean;
  menu: boolean;
  onMenu: (key: string | null) => void;
  onCurrent: (key: string) => void;
  onRemove: (pod: string) => void;
}) {
  const client = useClient();
  const { pod, known } = row;
  const action = usePodWork(({ busy }) => actionOn(busy, lab, pod));
  const { health, word } = podHealth(row);
  const tab = current ? 0 : -1;
  const usable = known && action === null;
  const running = pod.state === 'running';
  return (
    <tr
      className={styles['pod']}
      data-index={index}
      data-linked={linked}
      aria-rowindex={index + 2}
      onFocus={() => onCurrent(row.key)}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(row.key);
      }}
    >
      <th scope="row" className={styles['nameColumn']}>
        <button
          type="button"
          className={styles['name']}
          data-row={row.key}
          tabIndex={tab}
          aria-haspopup="menu"
          aria-expanded={menu}
          onClick={() => onMenu(row.key)}
        >
          {pod.name}
        </button>
      </th>
      <td className={styles['stateColumn']}>
        {action === null ? (
          <Status health={health}>{word}</Status>
        ) : (
          <Status health="working">{doing[action]}</Status>
        )}
      </td>
      <td className={styles['addressColumn']}>
        {pod.address === null ? (
          <span className={styles['faint']}>none</span>
        ) : (
          <button
            type="button"
            className={styles['address']}
            tabIndex={tab}
            title="Copy the address"
            aria-label={`Copy ${pod.address}`}
            onClick={() => copy(pod.address ?? '')}
          >
            {pod.address}
            <IconCopy size={13} aria-hidden />
          </button>
        )}
      </td>
      <Details room={room} pod={pod} />
      <td className={styles['actionsColumn']}>
        <div className={styles['actions']}>
          <button
            type="button"
            className={styles['icon']}
            tabIndex={tab}
            disabled={!usable || !running}
            aria-label={`Terminal in ${pod.name}`}
            title="Terminal"
            onClick={() => openTerminalFor(client, lab, pod.name)}
          >
            <IconTerminal2 size={16} />
          </button>
          <button
            type="button"
            className={styles['icon']}
            tabIndex={tab}
            disabled={!known || pod.state === 'missing'}
            aria-label={`Logs of ${pod.name}`}
            title="Logs"
            onClick={() => openPodLogs(lab, pod.name)}
          >
            <IconFileText size={16} />
          </button>
          <Change lab={lab} row={row} usable={usable} tab={tab} />
          <Actions
            lab={lab}
            row={row}
            opened={menu}
            usable={usable}
            tab={tab}
            onMenu={onMenu}
            onRemove={onRemove}
          />
        </div>
      </td>
    </tr>
  );
});

/** The cells of a row that there may be no room for. */
function Details({ room, pod }: { room: Room; pod: PodStatus }) {
  if (room === 'few') return null;
  const labels = Object.entries(pod.labels).map(([key, value]) => `${key}=${value}`);
  const command = pod.command === null ? '' : joinWords(pod.command);
  return (
    <>
      <td className={styles['imageColumn']} title={pod.image}>
        {pod.image}
      </td>
      {room !== 'some' && (
        <>
          <td className={styles['commandColumn']} title={command}>
            {pod.command === null ? <span className={styles['faint']}>default</span> : <code>{command}</code>}
          </td>
          <td className={styles['portsColumn']}>{pod.ports.join(', ')}</td>
        </>
      )}
      {room === 'all' && (
        <>
          <td className={styles['labelsColumn']} title={labels.join('\n')}>
            {labels.map((label) => (
              <span className={styles['label']} key={label}>
                {label}
              </span>
            ))}
          </td>
          <td className={styles['originColumn']}>
            <span className={styles['faint']}>{pod.declared ? 'lab file' : 'added'}</span>
          </td>
        </>
      )}
    </>
  );
}

/** The one change that fits the state: stop what runs, start what was stopped, repair what is missing. */
function Change({
  lab,
  row: { pod },
  usable,
  tab,
}: {
  lab: string;
  row: PodRow;
  usable: boolean;
  tab: number;
}) {
  const client = useClient();
  const change =
    pod.state === 'running'
      ? { word: 'Stop', icon: IconPlayerStop, perform: () => askPod(client, lab, pod, 'stop') }
      : pod.state === 'missing'
        ? {
            word: 'Repair',
            icon: IconRefresh,
            perform: () => void client.repair.mutate({ lab }).catch(() => {}),
          }
        : { word: 'Start', icon: IconPlayerPlay, perform: () => askPod(client, lab, pod, 'start') };
  const Icon = change.icon;
  return (
    <button
      type="button"
      className={styles['icon']}
      tabIndex={tab}
      disabled={!usable}
      aria-label={
        change.word === 'Repair' ? `Repair the lab to bring ${pod.name} back` : `${change.word} ${pod.name}`
      }
      title={change.word === 'Repair' ? 'Repair the lab' : change.word}
      onClick={change.perform}
    >
      <Icon size={16} />
    </button>
  );
}

function Actions({
  lab,
  row,
  opened,
  usable,
  tab,
  onMenu,
  onRemove,
}: {
  lab: string;
  row: PodRow;
  opened: boolean;
  usable: boolean;
  tab: number;
  onMenu: (key: string | null) => void;
  onRemove: (pod: string) => void;
}) {
  const { pod } = row;
  const button = (
    <button
      type="button"
      className={styles['icon']}
      tabIndex={tab}
      aria-label={`More for ${pod.name}`}
      aria-haspopup="menu"
      aria-expanded={opened}
      title="More"
      onClick={() => onMenu(opened ? null : row.key)}
    >
      <IconDots size={16} />
    </button>
  );
  // A table has many rows and one open menu.
  return opened ? (
    <Menu
      opened
      onChange={(next) => onMenu(next ? row.key : null)}
      position="bottom-end"
      withinPortal
      width={280}
      returnFocus
    >
      <Menu.Target>{button}</Menu.Target>
      <ActionList lab={lab} row={row} usable={usable} onRemove={onRemove} />
    </Menu>
  ) : (
    button
  );
}

function ActionList({
  lab,
  row: { pod, known },
  usable,
  onRemove,
}: {
  lab: string;
  row: PodRow;
  usable: boolean;
  onRemove: (pod: string) => void;
}) {
  const client = useClient();
  const [, navigate] = useLocation();
  const running = pod.state === 'running';
  const measure = () => {
    client.probe.mutate({ lab, selection: { from: pod.name, to: null, kinds: null } }).catch(() => {});
    navigate(places.probes(lab));
  };
  const facts = [
    ['Image', pod.image],
    ['Command', pod.command === null ? "the image's own" : joinWords(pod.command)],
    ['Ports', pod.ports.join(', ') || 'none'],
    [
      'Labels',
      Object.entries(pod.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || 'none',
    ],
    ['Origin', pod.declared ? 'lab file' : 'added by hand'],
  ];
  return (
    <Menu.Dropdown aria-label={`Actions for ${pod.name}`}>
      <Menu.Item
        leftSection={<IconTerminal2 size={15} />}
        disabled={!usable || !running}
        onClick={() => openTerminalFor(client, lab, pod.name)}
      >
        Terminal
      </Menu.Item>
      <Menu.Item
        leftSection={<IconFileText size={15} />}
        disabled={!known || pod.state === 'missing'}
        onClick={() => openPodLogs(lab, pod.name)}
      >
        Logs
      </Menu.Item>
      <Menu.Item
        leftSection={<IconArrowsLeftRight size={15} />}
        disabled={!usable || !running}
        onClick={measure}
      >
        Measure from here
      </Menu.Item>
      <Menu.Divider />
      {running ? (
        <Menu.Item
          leftSection={<IconPlayerStop size={15} />}
          disabled={!usable}
          onClick={() => askPod(client, lab, pod, 'stop')}
        >
          Stop
        </Menu.Item>
      ) : (
        <Menu.Item
          leftSection={<IconPlayerPlay size={15} />}
          disabled={!usable || pod.state === 'missing'}
          onClick={() => askPod(client, lab, pod, 'start')}
        >
          Start
        </Menu.Item>
      )}
      <Menu.Item
        leftSection={<IconTrash size={15} />}
        color="var(--bad)"
        disabled={!usable || pod.state === 'missing'}
        onClick={() => onRemove(pod.name)}
      >
        Remove…
      </Menu.Item>
      <Menu.Divider />
      <Menu.Item
        leftSection={<IconCopy size={15} />}
        disabled={pod.address === null}
        onClick={() => copy(pod.address ?? '')}
      >
        Copy address
      </Menu.Item>
      <Menu.Item leftSection={<IconBraces size={15} />} onClick={() => copy(JSON.stringify(pod, null, 2))}>
        Copy as JSON
      </Menu.Item>
      <Menu.Divider />
      <div className={styles['facts']}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <span>{name}</span>
            <span>{value}</span>
          </div>
        ))}
      </div>
    </Menu.Dropdown>
  );
}
