import type { LabSource } from '../../contract/request.ts';
import { failure, toFlatlandError } from '../failure.ts';
import { obtainRoot, openRootSession, type RootSession } from '../host/sandbox/session.ts';
import { loadEtcdLibrary } from '../provision/etcd-client.ts';
import { takeBack } from './down.ts';
import { openLedger } from './ledger.ts';
import { lockLab, lockRanges } from './lock.ts';
import { performWork, type UpSession } from './perform.ts';
import type { TypedStep } from './plan.ts';
import { labFileOf, type Prepared, prepare, rebuildNotice, withoutWork } from './prepare.ts';
import { reporter } from './report.ts';
import { runSteps, type ScheduleOutcome, type Step } from './schedule.ts';
import { completeSecrets } from './secrets.ts';
import { type Installation, openConnections, type Sink } from './session.ts';
import {
  createLabDirectory,
  type LabRecord,
  labIdentifier,
  readSecrets,
  writeRecord,
  writeSecrets,
} from './state.ts';

/** How each member of etcd came to be: the founders together, later ones by joining those that ran then. */
function etcdStarts({ lab, previous, upkeep, rebuild }: Prepared): LabRecord['etcdStarts'] {
  const known = rebuild ? {} : (previous?.etcdStarts ?? {});
  const starts: LabRecord['etcdStarts'] = {};
  const running = lab.etcd.members.filter((name) => !upkeep.etcdJoining.includes(name));
  for (const name of running)
    starts[name] = (Object.hasOwn(known, name) ? known[name] : undefined) ?? { kind: 'new' };
  for (const name of upkeep.etcdJoining) {
    running.push(name);
    starts[name] = { kind: 'join', members: [...running] };
  }
  return starts;
}

/** Prepares and remembers a lab; no other lab can choose the same ranges meanwhile. */
export async function claimLab(source: LabSource): Promise<{ prepared: Prepared; record: LabRecord }> {
  const unlock = await lockRanges();
  try {
    const prepared = await prepare(source);
    const { lab, previous, rebuild } = prepared;
    const record: LabRecord = {
      lab,
      createdAt: previous?.createdAt ?? new Date().toISOString(),
      complete: false,
      applied: rebuild ? null : (previous?.applied ?? null),
      etcdStarts: etcdStarts(prepared),
    };
    await createLabDirectory(lab.name);
    await writeRecord(record);
    return { prepared, record };
  } finally {
    await unlock();
  }
}

/** What the steps of one `up` work with; the lab's keys are made where they lack. Ended by `closeSession`. */
export async function openSession(
  { lab, previous }: Prepared,
  record: LabRecord,
  root: RootSession,
  installation: Installation,
  sink: Sink,
): Promise<UpSession> {
  // The library takes a tenth of a second to load, which it may do while the hosts boot.
  loadEtcdLibrary().catch(() => {});
  const secrets = await completeSecrets(lab, await readSecrets(lab.name));
  await writeSecrets(lab.name, secrets);
  return {
    lab,
    isNew: previous === null,
    record,
    secrets,
    ledger: openLedger(lab.name),
    root,
    installation,
    connections: openConnections(() => secrets),
    onProbe: (result) => sink({ type: 'probed', at: new Date().toISOString(), lab: lab.name, result }),
    proof: null,
  };
}

export const closeSession = ({ connections }: UpSession): Promise<void> => connections.close();

/** A step that can run: its work in this session. */
export const runnable =
  (session: UpSession) =>
  (step: TypedStep): Step => ({ ...step, perform: (context) => performWork(session, step.work, context) });

/** Runs the plan and ends the session; resolves to how it ended. What the proof said is in the session. */
async function build(
  session: UpSession,
  steps: readonly TypedStep[],
  sink: Sink,
  signal: AbortSignal,
): Promise<ScheduleOutcome> {
  try {
    return await runSteps(session.lab.name, steps.map(runnable(session)), sink, signal);
  } finally {
    await closeSession(session);
  }
}

/**
 * Brings a lab up, or finishes it, or changes it to what its file says now. A lab that was new is taken back when it
 * fails or is cancelled; one that existed stays as far as it came, and the next `up` goes on from there. A red proof
 * takes nothing back: what stands is the evidence. Rejects only before anything was touched.
 */
export async function bringUp(
  source: LabSource,
  installation: Installation,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const name = labFileOf(source).name;
  const unlock = await lockLab(name, labIdentifier(name), 'up');
  let root: RootSession | null = null;
  try {
    root = openRootSession(installation.rootProgram, await obtainRoot());
    const report = reporter(name, 'up', sink);
    const { prepared, record } = await claimLab(source);
    const { lab, previous, rebuild } = prepared;
    const removal = { name, sink, root };
    try {
      report.planned(prepared.steps.map(withoutWork));
      if (rebuild) {
        report.notice('info', rebuildNotice);
        await takeBack({ ...removal, forget: false });
      }
      const session = await openSession(prepared, record, root, installation, sink);
      const outcome = await build(session, prepared.steps, sink, signal);
      const red = outcome.kind === 'failed' && outcome.error.code === 'proof-red';
      if (outcome.kind === 'done' || red) await writeRecord({ ...record, complete: true, applied: lab });
      if (outcome.kind === 'done') {
        report.finished('done', session.proof, null);
        return;
      }
      if (outcome.kind === 'failed') installation.onFailure(outcome.cause);
      const error = outcome.kind === 'failed' ? outcome.error : failure('cancelled', 'Cancelled.').error;
      if (previous !== null && !red)
        report.notice('info', 'The lab stays as far as it came; `flatland up` goes on from there.');
      if (previous === null && !red) {
        report.notice('info', 'Taking back what was started.');
        await takeBack({ ...removal, forget: true });
      }
      report.finished(outcome.kind, session.proof, error);
    } catch (thrown) {
      installation.onFailure(thrown);
      report.finished('failed', null, toFlatlandError(thrown));
    }
  } finally {
    root?.close();
    await unlock();
  }
}
