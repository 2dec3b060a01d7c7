import { ActionIcon, Button, Menu } from '@mantine/core';
import {
  IconClipboardText,
  IconDots,
  IconFileDownload,
  IconPencil,
  IconRadar2,
  IconRestore,
  IconTrash,
} from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { LabState } from '../stream/state.ts';
import { useStream } from '../stream/store.ts';
import { redSince, type Verdict, verdictOfLab } from '../stream/verdict.ts';
import { isRunning } from '../tasks/progress.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { count, formatAge, formatAgo, formatMilliseconds } from '../ui/format.ts';
import { Keys } from '../ui/keys.tsx';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { useLabActions } from './lab-actions.ts';
import styles from './lab-header.module.css';
import { places } from './routes.ts';

const staleAfter = 15 * 60_000;

/** The answer: one sentence and its numbers; and what can be done with the lab as a whole. */
export function LabHeader({ state, fresh = false }: { state: LabState; fresh?: boolean }) {
  const now = useNow();
  const verdict = verdictOfLab(state, now);
  const { lab } = state;
  const broken =
    state.state === 'half-built' ||
    [...state.hosts.values()].some(({ reach }) => reach.kind === 'reconnecting');
  const actions = useLabActions(lab.name, broken);
  const probing = useStream((stream) =>
    stream.tasks.some((task) => task.lab === lab.name && task.kind === 'probe' && isRunning(task)),
  );
  return (
    <>
      <header className={styles['header']} data-health={verdict.health} data-fresh={fresh}>
        <div className={styles['answer']}>
          <h1 className={styles['verdict']} data-health={verdict.health}>
            <StatusIcon health={verdict.health} />
            <Sentence verdict={verdict} lab={lab.name} />
          </h1>
          <p className={styles['numbers']}>
            {verdict.worst !== null &&
              (tellsPair(verdict) ? (
                <span>
                  red for {formatAge(Math.max(0, now - Date.parse(redSince(state, verdict.worst))))}
                </span>
              ) : (
                <Link href={places.probes(lab.name)}>
                  {verdict.pairs - verdict.greenPairs} of {count(verdict.pairs, 'pair')} fail
                </Link>
              ))}
            {verdict.rttMilliseconds !== null && (
              <span>
                p50 <strong>{formatMilliseconds(verdict.rttMilliseconds)}</strong>
              </span>
            )}
            {verdict.mtu !== null && (
              <span>
                MTU <strong>{verdict.mtu}</strong> as expected
              </span>
            )}
            {verdict.measuredAt !== null && (
              <span>
                measured <Measured at={verdict.measuredAt} now={now} />
              </span>
            )}
            <span className={styles['more']}>{count(state.hosts.size || lab.hosts.length, 'host')}</span>
            <span className={styles['more']}>{lab.network.backend.type}</span>
            <span className={`mono ${styles['more']}`}>{lab.network.cidr}</span>
          </p>
        </div>
        <div className={styles['actions']}>
          {broken && (
            <Button
              size="xs"
              leftSection={<IconRestore size={15} aria-hidden />}
              loading={actions.busy}
              onClick={actions.repair}
            >
              Bring back
            </Button>
          )}
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRadar2 size={15} aria-hidden />}
            rightSection={
              <span className={styles['more']}>
                <Keys shortcut="r" />
              </span>
            }
            loading={probing || (actions.busy && !broken)}
            onClick={actions.probe}
          >
            Probe all
          </Button>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon size={30} variant="default" aria-label="More for this lab">
                <IconDots size={17} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<IconPencil size={15} aria-hidden />}
                rightSection={<Keys shortcut="e" />}
                onClick={actions.edit}
              >
                Edit…
              </Menu.Item>
              <Menu.Item
                leftSection={<IconFileDownload size={15} aria-hidden />}
                rightSection={<Keys shortcut="shift+E" />}
                onClick={actions.exportReport}
              >
                Export HTML
              </Menu.Item>
              <Menu.Item
                leftSection={<IconClipboardText size={15} aria-hidden />}
                onClick={actions.copyDiagnostics}
              >
                Copy diagnostics
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<IconTrash size={15} aria-hidden />}
                onClick={actions.takeDown}
              >
                Take down…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </header>
      {actions.error && (
        <div className={styles['error']}>
          <ErrorCard error={actions.error} where={lab.name} lab={lab.name} onDismiss={actions.dismiss} />
        </div>
      )}
    </>
  );
}

function Measured({ at, now }: { at: string; now: number }) {
  const age = Math.max(0, now - Date.parse(at));
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {formatAgo(age)}
      {age > staleAfter && ', which is stale'}
    </time>
  );
}

/** Whether the sentence is about its worst pair; a lab that is changed or has lost hosts has a sentence about that. */
const tellsPair = ({ worst, sentence }: Verdict): boolean =>
  worst !== null && sentence.includes(`${worst.from.name} → ${worst.to.name}`);

/** The sentence; what fails leads to the pair that fails. It is read out when it changes, not at every measurement. */
function Sentence({ verdict, lab }: { verdict: Verdict; lab: string }) {
  const { worst, sentence } = verdict;
  if (worst === null || !tellsPair(verdict)) return <span>{sentence}</span>;
  return (
    <Link className={styles['leads']} href={places.probes(lab, { from: worst.from.name, to: worst.to.name })}>
      {sentence}
    </Link>
  );
}

/** Whether the lab that is shown was being built a moment ago, on this screen. */
export function useFresh(building: boolean): boolean {
  const was = useRef(false);
  useEffect(() => {
    if (building) was.current = true;
  }, [building]);
  return was.current && !building;
}
