import { Tooltip } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { memo } from 'react';
import { Link, useLocation } from 'wouter';
import { labHealth } from '../labs/health.ts';
import { useStream } from '../stream/store.ts';
import { type Health, verdictOfLab } from '../stream/verdict.ts';
import { count } from '../ui/format.ts';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { crumbsOf, places } from './routes.ts';
import styles from './sidebar.module.css';

/** The labs, each with its health; as a rail only their icons. `onGo`: it is in a drawer, which closes then. */
export function Sidebar({ rail, onGo }: { rail: boolean; onGo?: () => void }) {
  const labs = useStream((stream) => stream.labs);
  const version = useStream((stream) => stream.version);
  const [location] = useLocation();
  const here = crumbsOf(location)[1]?.label ?? null;
  return (
    <nav
      className={styles['labs']}
      aria-label={onGo === undefined ? 'Labs' : 'All labs'}
      data-rail={rail}
      data-drawer={onGo !== undefined}
    >
      {!rail && onGo === undefined && <div className={styles['heading']}>Labs</div>}
      <ul className={styles['list']}>
        {labs.map((lab) => (
          <LabLink
            key={lab.name}
            name={lab.name}
            state={lab.state}
            hosts={lab.hosts}
            rail={rail}
            here={lab.name === here}
            {...(onGo === undefined ? {} : { onGo })}
          />
        ))}
      </ul>
      <Tooltip label="New lab" position="right" disabled={!rail}>
        <Link
          href={places.create()}
          className={styles['new']}
          aria-label={rail ? 'New lab' : undefined}
          onClick={onGo}
        >
          <IconPlus size={16} aria-hidden />
          {!rail && <span>New lab</span>}
        </Link>
      </Tooltip>
      {!rail && version !== '' && <div className={styles['version']}>Flatland {version}</div>}
    </nav>
  );
}

interface LabLinkProps {
  readonly name: string;
  readonly state: 'up' | 'half-built' | 'busy';
  readonly hosts: number;
  readonly rail: boolean;
  readonly here: boolean;
  readonly onGo?: () => void;
}

const LabLink = memo(function LabLink({ name, state, hosts, rail, here, onGo }: LabLinkProps) {
  const now = useNow();
  const tasks = useStream((stream) => stream.tasks);
  const health = useStream((stream) => {
    const watched = stream.lab?.lab.name === name ? verdictOfLab(stream.lab, now) : null;
    const { health, word } = labHealth({ name, state }, watched, tasks, now);
    return `${health} ${word}`;
  });
  const [kind, ...words] = health.split(' ');
  const word = words.join(' ');
  return (
    <li>
      <Tooltip label={`${name}: ${word}`} position="right" disabled={!rail}>
        <Link
          href={places.topology(name)}
          className={styles['lab']}
          onClick={onGo}
          aria-current={here ? 'page' : undefined}
          aria-label={rail ? `${name}, ${word}` : undefined}
          title={rail ? undefined : `${name}: ${word}, ${count(hosts, 'host')}`}
        >
          <StatusIcon health={asHealth(kind)} />
          {rail ? (
            <span className={styles['short']} data-short={name.slice(0, 2)} aria-hidden />
          ) : (
            <>
              <span className={styles['name']}>{name}</span>
              <span className={styles['word']}>{word}</span>
            </>
          )}
        </Link>
      </Tooltip>
    </li>
  );
});

const healths: readonly Health[] = ['good', 'working', 'stale', 'warning', 'bad'];
const asHealth = (word: string | undefined): Health => healths.find((health) => health === word) ?? 'stale';
