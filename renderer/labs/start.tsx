import { Button, Skeleton } from '@mantine/core';
import { IconAdjustmentsHorizontal, IconArrowRight, IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Link } from 'wouter';
import { places } from '../app/routes.ts';
import { useStream } from '../stream/store.ts';
import { isRunning } from '../tasks/progress.ts';
import { TaskItem } from '../tasks/task-item.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import { LabRow } from './lab-row.tsx';
import { Picture } from './picture.tsx';
import { type Sample, samples } from './samples.ts';
import styles from './start.module.css';
import { useBegin } from './use-begin.ts';

const nowhere = () => {};

/** Where one begins: the labs that there are, and one click to another. */
export function Start() {
  const ready = useStream((stream) => stream.ready);
  const labs = useStream((stream) => stream.labs);
  const tasks = useStream((stream) => stream.tasks);
  // A lab that is only being begun is in no list yet; its task is all that is known of it.
  const beginning = useMemo(
    () =>
      tasks.filter(
        (task) => isRunning(task) && task.kind === 'up' && labs.every(({ name }) => name !== task.lab),
      ),
    [tasks, labs],
  );
  const { busy, error, quick, dismiss } = useBegin();
  if (!ready && labs.length === 0) return <Loading />;
  const first = labs.length === 0 && beginning.length === 0;
  const failed = error && (
    <div className={styles['error']}>
      <ErrorCard
        error={error}
        where="Beginning a lab"
        fix={{ label: 'Try again', perform: quick }}
        onDismiss={dismiss}
      />
    </div>
  );
  return (
    <div className={styles['page']}>
      {first ? (
        <section className={styles['hero']}>
          <Picture />
          <h1>One flat network over all your hosts</h1>
          <p className={styles['lead']}>
            Flatland brings up a lab of several hosts on this machine in seconds, gives every container an
            address that all hosts reach without NAT, and proves it.
          </p>
          <div className={styles['begin']}>
            <Button size="md" leftSection={<IconPlus size={18} aria-hidden />} loading={busy} onClick={quick}>
              New lab
            </Button>
            <Button
              size="md"
              variant="default"
              component={Link}
              href={places.create()}
              leftSection={<IconAdjustmentsHorizontal size={17} aria-hidden />}
            >
              Customise…
            </Button>
          </div>
          <p className={styles['small']}>
            Three hosts, six pods, VXLAN. Gone without a trace when you take it down.
          </p>
          {failed}
        </section>
      ) : (
        <section className={styles['labs']}>
          <header className={styles['head']}>
            <div>
              <h1>Labs</h1>
              <p>{sentenceOf(labs)}</p>
            </div>
            <div className={styles['begin']}>
              <Button
                variant="default"
                component={Link}
                href={places.create()}
                leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
              >
                Customise…
              </Button>
              <Button leftSection={<IconPlus size={16} aria-hidden />} loading={busy} onClick={quick}>
                New lab
              </Button>
            </div>
          </header>
          {failed}
          {beginning.length > 0 && (
            <ul className={styles['list']} aria-label="Labs that are being built">
              {beginning.map((task) => (
                <TaskItem key={task.id} task={task} onGo={nowhere} />
              ))}
            </ul>
          )}
          {labs.length > 0 && (
            <ul className={styles['list']} aria-label="Labs">
              {labs.map((lab) => (
                <LabRow key={lab.name} lab={lab} tasks={tasks} />
              ))}
            </ul>
          )}
        </section>
      )}
      <section className={styles['samples']}>
        <h2>Begin with a sample</h2>
        <ul>
          {samples.map((sample) => (
            <SampleCard key={sample.id} sample={sample} />
          ))}
        </ul>
      </section>
    </div>
  );
}

function sentenceOf(labs: readonly { hosts: number; pods: number }[]): string {
  const hosts = labs.reduce((sum, lab) => sum + lab.hosts, 0);
  const pods = labs.reduce((sum, lab) => sum + lab.pods, 0);
  return `${count(labs.length, 'lab')} with ${count(hosts, 'host')} and ${count(pods, 'pod')} on this machine`;
}

function SampleCard({ sample }: { sample: Sample }) {
  return (
    <li className={styles['sample']}>
      <h3>
        <Link href={places.create({ sample: sample.id })}>{sample.title}</Link>
      </h3>
      <p>{sample.sentence}</p>
      <IconArrowRight size={16} aria-hidden />
    </li>
  );
}

function Loading() {
  return (
    <div className={styles['page']} aria-busy="true">
      <section className={styles['labs']} aria-label="Looking for labs">
        <header className={styles['head']}>
          <div>
            <h1>Labs</h1>
            <p>Looking for labs on this machine…</p>
          </div>
        </header>
        <Skeleton height={72} radius="md" />
        <Skeleton height={72} radius="md" />
      </section>
    </div>
  );
}
