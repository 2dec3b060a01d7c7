import { Button, Loader } from '@mantine/core';
import {
  IconAffiliate,
  IconBox,
  IconCircleCheck,
  IconServer2,
  IconTable,
  IconTimeline,
  IconZoomQuestion,
} from '@tabler/icons-react';
import { useDeferredValue, useState } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import type { Task } from '../../contract/task.ts';
import { Containers } from '../containers/containers.tsx';
import { HostPage } from '../host/host-page.tsx';
import { Hosts } from '../host/hosts.tsx';
import { sourceOf } from '../labs/sources.ts';
import { useBegin } from '../labs/use-begin.ts';
import { Probes } from '../probes/probes.tsx';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import type { LabState } from '../stream/state.ts';
import { useLab, useStream } from '../stream/store.ts';
import { TaskScreen } from '../tasks/task-screen.tsx';
import { TimelineStrip } from '../timeline/strip.tsx';
import { Timeline } from '../timeline/timeline.tsx';
import { Topology } from '../topology/topology.tsx';
import { Empty } from '../ui/empty.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { ErrorCard, type Fix } from '../ui/error-card.tsx';
import { formatSeconds } from '../ui/format.ts';
import { LabHeader, useFresh } from './lab-header.tsx';
import styles from './lab-screen.module.css';
import { stageOf } from './lab-stage.ts';
import { decodePart, places } from './routes.ts';

const tabs = [
  { label: 'Topology', icon: IconAffiliate, place: places.topology },
  { label: 'Hosts', icon: IconServer2, place: places.hosts },
  { label: 'Probes', icon: IconTable, place: places.probes },
  { label: 'Containers', icon: IconBox, place: places.containers },
  { label: 'Timeline', icon: IconTimeline, place: places.timeline },
];

function Tabs({ lab }: { lab: string }) {
  const [location] = useLocation();
  return (
    <nav className={styles['tabs']} aria-label="Views of the lab">
      {tabs.map(({ label, icon: Icon, place }) => {
        const path = place(lab);
        const here = path === places.topology(lab) ? location === path : location.startsWith(path);
        return (
          <Link key={label} href={path} className={styles['tab']} aria-current={here ? 'page' : undefined}>
            <Icon size={16} aria-hidden />
            {label}
          </Link>
        );
      })}
    </nav>
  );
}

/** The screen of one lab: itself, or what is being done to it while there is nothing else to see. */
export function LabScreen({ name }: { name: string }) {
  const lab = useLab();
  const ready = useStream((stream) => stream.ready);
  const tasks = useStream((stream) => stream.tasks);
  const stage = stageOf(name, lab, ready, tasks);
  const fresh = useFresh(stage.kind === 'work');
  const [aside, setAside] = useState<string | null>(null);
  switch (stage.kind) {
    case 'looking':
      return <Empty page title={`Looking at ${name}`} icon={<Loader size="sm" />} />;
    case 'absent':
      return (
        <Empty
          title={`There is no lab ${JSON.stringify(name)}`}
          icon={<IconZoomQuestion size={28} aria-hidden />}
        >
          <p>It may have been taken down, or its name is another.</p>
          <Button component={Link} href={places.start()} size="xs" variant="default">
            All labs
          </Button>
        </Empty>
      );
    case 'gone':
      return (
        <Empty page title={`${name} is gone`} icon={<IconCircleCheck size={28} aria-hidden />}>
          <p>
            {stage.task.seconds === null
              ? 'It was taken down.'
              : `It was taken down in ${formatSeconds(stage.task.seconds)}.`}{' '}
            Nothing of it is left on this machine.
          </p>
          <Button component={Link} href={places.start()} size="xs">
            All labs
          </Button>
        </Empty>
      );
    case 'work':
      // A lab that is only changed can be looked at meanwhile.
      return stage.lab !== null && aside === stage.task.id ? (
        <LabViews state={stage.lab} fresh={false} />
      ) : (
        <Work task={stage.task} lab={stage.lab} onAside={() => setAside(stage.task.id)} />
      );
    case 'lab':
      return <LabViews state={stage.lab} fresh={fresh} />;
  }
}

/** Work on a lab in full; when it failed, the way to try again. */
function Work({ task, lab, onAside }: { task: Task; lab: LabState | null; onAside: () => void }) {
  const client = useClient();
  const { begin, error: beginError, dismiss: dismissBegin } = useBegin();
  const { error, run, dismiss } = useCall();
  const source = sourceOf(task.lab);
  const again = (): Fix | null => {
    if (task.kind === 'down')
      return {
        label: 'Take it down again',
        perform: () => void run(() => client.down.mutate({ lab: task.lab })),
      };
    if (source !== null) return { label: 'Try again', perform: () => begin(task.lab, source) };
    return lab === null
      ? null
      : { label: 'Finish building', perform: () => void run(() => client.repair.mutate({ lab: task.lab })) };
  };
  const fix = again();
  const failed = error ?? beginError;
  return (
    <>
      {failed && (
        <div className={styles['error']}>
          <ErrorCard
            error={failed}
            where={task.lab}
            lab={task.lab}
            onDismiss={() => {
              dismiss();
              dismissBegin();
            }}
          />
        </div>
      )}
      <TaskScreen
        task={task}
        {...(fix === null ? {} : { fix })}
        actions={
          lab !== null && (
            <Button size="xs" variant="subtle" onClick={onAside}>
              Look at the lab
            </Button>
          )
        }
      />
    </>
  );
}

/** One lab: its answer on top, a view of it below, and its time at the bottom. */
function LabViews({ state, fresh }: { state: LabState; fresh: boolean }) {
  const [wanted] = useLocation();
  // The tab answers at once, and its view follows when it is ready.
  const location = useDeferredValue(wanted);
  const base = '/lab/:lab';
  return (
    <div className={styles['screen']}>
      <div>
        <LabHeader state={state} fresh={fresh} />
      </div>
      <Tabs lab={state.lab.name} />
      <div className={styles['view']}>
        <ErrorBoundary where="This view" place={location}>
          <Switch location={location}>
            <Route path={`${base}/hosts/:host`}>
              {({ host }) => <HostPage state={state} host={decodePart(host ?? '')} />}
            </Route>
            <Route path={`${base}/hosts`}>
              <Hosts state={state} />
            </Route>
            <Route path={`${base}/probes/*?`}>
              <Probes state={state} />
            </Route>
            <Route path={`${base}/containers`}>
              <Containers state={state} />
            </Route>
            <Route path={`${base}/timeline`}>
              <Timeline state={state} />
            </Route>
            <Route>
              <Topology state={state} />
            </Route>
          </Switch>
        </ErrorBoundary>
      </div>
      <TimelineStrip state={state} />
    </div>
  );
}
