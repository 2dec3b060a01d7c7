import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabEvent, WorkKind } from '../../contract/event.ts';
import type { LiveLab } from '../../contract/live.ts';
import type { MtuLadder } from '../../contract/probe.ts';
import type { LadderRequest } from '../../contract/request.ts';
import type { LabSummary } from '../../contract/status.ts';
import { failure } from '../failure.ts';
import { expectedSeconds } from '../lab/plan.ts';
import { labFileOf } from '../lab/prepare.ts';
import type { Router } from '../router.ts';
import { broadcast } from './broadcast.ts';
import { describeEverything } from './diagnostics.ts';
import { openLabList } from './lab-list.ts';
import { latestOf } from './latest.ts';
import { openLiveLabs } from './live-labs.ts';
import { streamOutput } from './output.ts';
import type { Change } from './pending.ts';
import { labReport } from './report/report.ts';
import { openSchedules } from './schedules.ts';
import type { Screens, WorkRequest } from './screens.ts';
import { openTasks, type Work } from './tasks.ts';
import { openTerminals } from './terminals.ts';
import { openUploads, type Uploads } from './uploads.ts';
import { watchScreens } from './watch.ts';

/** A first snapshot waits for the labs, and for the lab that was asked for, so long at most. */
const readySeconds = 5;

const never = new AbortController().signal;

const plural = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** Long work in the router's terms. An upload is taken when its work begins, and removed when it ends. */
async function workOf(request: WorkRequest, router: Router, uploads: Uploads): Promise<Work> {
  const work = (
    kind: WorkKind,
    lab: string,
    title: string,
    cancellable: boolean,
    run: (sink: (event: LabEvent) => void, signal: AbortSignal) => Promise<void>,
  ): Work => ({ kind, lab, title, cancellable, run });
  switch (request.kind) {
    case 'up': {
      const { source } = request;
      const { name } = labFileOf(source);
      return work('up', name, `Bring up ${name}`, true, (sink, signal) => router.up(source, sink, signal));
    }
    case 'repair': {
      const { lab } = request;
      return work('up', lab, `Repair ${lab}`, true, (sink, signal) => router.repair({ lab }, sink, signal));
    }
    case 'down': {
      const { lab } = request;
      // What is half taken down is of no use: it is always finished.
      return work('down', lab, `Take down ${lab}`, false, (sink, signal) =>
        router.down({ lab }, sink, signal),
      );
    }
    case 'probe': {
      const { kind: _, ...probe } = request;
      const { from = null, to = null } = probe.selection ?? {};
      const what = from === null && to === null ? request.lab : `${from ?? 'all'} → ${to ?? 'all'}`;
      return work('probe', request.lab, `Probe ${what}`, true, (sink, signal) =>
        router.probe(probe, sink, signal),
      );
    }
    case 'stop-host': {
      const { lab, host } = request;
      return work('host', lab, `Switch off ${host}`, false, (sink, signal) =>
        router.stopHost({ lab, host }, sink, signal),
      );
    }
    case 'load-image': {
      const { lab, hosts } = request;
      const file = await uploads.take(request.upload);
      const title = `Load ${file.name} into ${hosts.length === 1 ? hosts[0] : plural(hosts.length, 'host')}`;
      return work('image', lab, title, true, async (sink, signal) => {
        try {
          await router.loadImage({ lab, hosts: [...hosts], path: file.path }, sink, signal);
        } finally {
          await file.release();
        }
      });
    }
  }
}

/**
 * The state that the screens of this process share, over a router. `onFailure` gets what went wrong where nobody waits for it;
 * `readLog` gives the last lines of the log for diagnostics.
 */
export function createScreens(options: {
  readonly router: Router;
  readonly version: string;
  readonly onFailure?: (thrown: unknown) => void;
  readonly readLog?: () => Promise<readonly string[]>;
}): Screens {
  const { router, version, onFailure = () => {}, readLog = async () => [] } = options;
  const changes = broadcast<Change>();
  const closing = new AbortController();

  const liveLabs = openLiveLabs({
    router,
    onEvent: (lab, event) => changes.send({ type: 'live', lab, event }),
    onKnown: (lab) => changes.send({ type: 'known', lab }),
    onFailure,
  });
  const labsChanged = (labs: LabSummary[]) => {
    liveLabs.labsChanged(labs);
    changes.send({ type: 'labs', labs });
  };
  const labList = openLabList(router, labsChanged, onFailure);
  const tasks = openTasks({
    expectedSeconds: (steps) => expectedSeconds(steps, availableParallelism()),
    onTask: (task) => changes.send({ type: 'task', task }),
    onRemoved: (id) => changes.send({ type: 'task-removed', id }),
    onEvent: (event) => {
      if (event.type === 'probed') liveLabs.note(event.lab, { type: 'probes', results: [event.result] });
    },
  });
  const terminals = openTerminals(router, () =>
    changes.send({ type: 'terminals', terminals: terminals.all() }),
  );
  const uploads = openUploads();
  const schedules = openSchedules({
    router,
    isLookedAt: liveLabs.isLookedAt,
    onResult: (lab, result) => liveLabs.note(lab, { type: 'probes', results: [result] }),
    onChange: (lab, schedule) => changes.send({ type: 'schedule', lab, schedule }),
    onFailure,
  });

  const deadline = () => delay(readySeconds * 1000, undefined, { ref: false });
  const untilClosed = (signal: AbortSignal | undefined) =>
    signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);

  /** Looks at a lab for the time of one question. Rejects with `lab-unknown`. */
  const withLab = async <T>(
    lab: string,
    ask: (state: NonNullable<ReturnType<typeof liveLabs.state>>) => T,
  ) => {
    const release = liveLabs.hold(lab);
    try {
      await Promise.race([liveLabs.settled(lab), deadline()]);
      const state = liveLabs.state(lab);
      if (state === null || state.createdAt() === null)
        throw failure('lab-unknown', `There is no lab ${JSON.stringify(lab)}.`);
      return ask(state);
    } finally {
      release();
    }
  };
  const snapshotOf = (lab: string): Promise<LiveLab | null> => withLab(lab, (state) => state.snapshot());

  return {
    router,
    tasks: tasks.all,
    labs: labList.labs,
    watch: async function* (lab, signal) {
      const release = lab === null ? () => {} : liveLabs.hold(lab);
      const known = lab === null ? labList.known : Promise.all([labList.known, liveLabs.settled(lab)]);
      try {
        yield* watchScreens({
          lab,
          changes,
          ready: Promise.race([known, deadline()]),
          signal: untilClosed(signal),
          snapshot: () => ({
            type: 'snapshot',
            at: new Date().toISOString(),
            version,
            overview: { labs: labList.labs(), tasks: tasks.all(), terminals: terminals.all() },
            lab: lab === null ? null : (liveLabs.state(lab)?.snapshot() ?? null),
            schedule: lab === null ? null : schedules.get(lab),
          }),
        });
      } finally {
        release();
      }
    },
    begin: async (request) => tasks.begin(await workOf(request, router, uploads)),
    cancelTask: tasks.cancel,
    dismissTask: tasks.dismiss,
    setSchedule: (lab, wish) => withLab(lab, () => schedules.set(lab, wish)),
    probesAt: (lab, at) => withLab(lab, (state) => state.probesAt(at)),
    report: async (lab) => {
      const live = await snapshotOf(lab);
      if (live === null) throw failure('lab-unknown', `There is no lab ${JSON.stringify(lab)}.`);
      const own = tasks.all().filter((task) => task.lab === lab);
      return labReport({ live, tasks: own, version, at: new Date() });
    },
    diagnostics: async (lab) =>
      describeEverything({
        version,
        labs: labList.labs(),
        // A lab that cannot be looked at is no reason to say nothing of the rest.
        lab: lab === undefined ? null : await snapshotOf(lab).catch(() => null),
        tasks: tasks.all(),
        terminals: terminals.all(),
        log: await readLog().catch(() => []),
      }),
    ladder: (request: LadderRequest, signal: AbortSignal | undefined): AsyncIterable<MtuLadder> =>
      latestOf((sink, ended) => router.ladder(request, sink, ended), untilClosed(signal)),
    podLogs: (request, signal) =>
      streamOutput((streams, ended) => router.podLogs(request, streams, ended), untilClosed(signal)),
    hostLogs: (request, signal) =>
      streamOutput((streams, ended) => router.logs(request, streams, ended), untilClosed(signal)),
    openTerminal: terminals.open,
    reopenTerminal: terminals.reopen,
    terminalOutput: (id, from, signal) => terminals.output(id, from, signal ?? never),
    writeTerminal: terminals.write,
    resizeTerminal: terminals.resize,
    closeTerminal: terminals.shut,
    beginUpload: uploads.begin,
    uploadChunk: uploads.add,
    close: async () => {
      await tasks.close();
      closing.abort();
      await Promise.all([terminals.close(), schedules.close(), liveLabs.close(), labList.close()]);
      await uploads.close();
    },
  };
}
