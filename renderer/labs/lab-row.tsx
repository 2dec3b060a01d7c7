import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { memo } from 'react';
import { Link } from 'wouter';
import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';
import { goTo } from '../app/location.ts';
import { places } from '../app/routes.ts';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { isRunning, progressOf } from '../tasks/progress.ts';
import { ProgressLine } from '../tasks/task-parts.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { formatAge } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { labHealth, newestTask } from './health.ts';
import styles from './lab-row.module.css';
import { askTakeDown } from './take-down.tsx';

const said: Record<string, string> = { up: 'up, not measured lately' };

/** One lab of the start screen; all of it leads to the lab. */
export const LabRow = memo(function LabRow({ lab, tasks }: { lab: LabSummary; tasks: readonly Task[] }) {
  const now = useNow();
  const { health, word } = labHealth(lab, null, tasks, now);
  const work = newestTask(tasks, lab.name, ['up', 'down']);
  const running = work !== null && isRunning(work) ? work : null;
  const client = useClient();
  const { busy, error, run, dismiss } = useCall();
  return (
    <li className={styles['row']}>
      <div className={styles['main']}>
        <h2 className={styles['name']}>
          <Link href={places.topology(lab.name)}>{lab.name}</Link>
        </h2>
        <Status health={health} tinted>
          {/^\d+\/\d+$/.test(word)
            ? `${word.replace('/', ' of ')} pairs reach each other`
            : (said[word] ?? word)}
        </Status>
      </div>
      <dl className={styles['facts']}>
        <div>
          <dt>Hosts</dt>
          <dd>{lab.hosts}</dd>
        </div>
        <div>
          <dt>Pods</dt>
          <dd>{lab.pods}</dd>
        </div>
        <div>
          <dt>Backend</dt>
          <dd>{lab.backend}</dd>
        </div>
        <div>
          <dt>Overlay</dt>
          <dd className="mono">{lab.cidr}</dd>
        </div>
        <div className={styles['underlay']}>
          <dt>Underlay</dt>
          <dd className="mono">{lab.underlay}</dd>
        </div>
        <div>
          <dt>Age</dt>
          <dd>
            <time dateTime={lab.createdAt} title={new Date(lab.createdAt).toLocaleString()}>
              {formatAge(Math.max(0, now - Date.parse(lab.createdAt)))}
            </time>
          </dd>
        </div>
      </dl>
      <div className={styles['actions']}>
        {lab.state === 'half-built' && running === null && (
          <Button
            size="xs"
            variant="light"
            loading={busy}
            onClick={() => void run(() => client.repair.mutate({ lab: lab.name }))}
          >
            Finish building
          </Button>
        )}
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon aria-label={`More for ${lab.name}`}>
              <IconDots size={17} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              leftSection={<IconPencil size={15} aria-hidden />}
              onClick={() => goTo(places.create({ lab: lab.name }))}
            >
              Edit…
            </Menu.Item>
            <Menu.Item
              color="red"
              leftSection={<IconTrash size={15} aria-hidden />}
              onClick={() => askTakeDown(lab.name)}
            >
              Take down…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      {running && (
        <div className={styles['progress']}>
          <ProgressLine share={progressOf(running, now).share} label={running.title} state={running.state} />
        </div>
      )}
      {error && (
        <div className={styles['progress']}>
          <ErrorCard error={error} where={`Finishing ${lab.name}`} lab={lab.name} onDismiss={dismiss} />
        </div>
      )}
    </li>
  );
});
