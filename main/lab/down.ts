import { failure, toFlatlandError } from '../failure.ts';
import { obtainRoot, openRootSession, type RootSession } from '../host/sandbox/session.ts';
import { type Change, openLedger } from './ledger.ts';
import { lockLab } from './lock.ts';
import { planDown, type Work } from './plan.ts';
import { withoutWork } from './prepare.ts';
import { reporter } from './report.ts';
import { runSteps, type StepOutcome } from './schedule.ts';
import type { Installation, Sink } from './session.ts';
import { labIdentifier, removeLabDirectory } from './state.ts';

interface Removal {
  readonly name: string;
  readonly root: RootSession;
  readonly sink: Sink;
  /** Also forgets the lab itself: its keys, its ledger, its name. */
  readonly forget: boolean;
}

async function undo(
  name: string,
  outstanding: readonly Change[],
  root: RootSession,
  work: Work,
): Promise<StepOutcome> {
  const ledger = openLedger(name);
  for (const change of outstanding) {
    if (change.kind === 'sandbox-host' && work.kind === 'remove-host' && work.host === change.host) {
      await root.perform({ verb: 'stop-host', lab: change.lab, host: change.host, storage: 'remove' });
      await ledger.undone(change);
    }
    if (change.kind === 'sandbox-underlay' && work.kind === 'lower-underlay') {
      await root.perform({ verb: 'lower-underlay', lab: change.lab });
      await ledger.undone(change);
    }
  }
  if (work.kind === 'forget') await removeLabDirectory(name);
  return { outcome: 'changed', detail: null };
}

/** Runs a lab's ledger backwards. It cannot be cancelled: half a removal helps nobody. Rejects when something is left. */
export async function takeBack({ name, root, sink, forget }: Removal): Promise<void> {
  const outstanding = await openLedger(name).outstanding();
  const plan = planDown(outstanding).filter(({ work }) => forget || work.kind !== 'forget');
  const steps = plan.map((step) => ({ ...step, perform: () => undo(name, outstanding, root, step.work) }));
  reporter(name, 'down', sink).planned(plan.map(withoutWork));
  const outcome = await runSteps(name, steps, sink, new AbortController().signal);
  if (outcome.kind === 'failed') {
    if (outcome.error.code === 'root-needed') throw outcome.cause;
    throw failure(
      'teardown-incomplete',
      `Not everything of lab ${name} could be removed: ${outcome.error.message}`,
      {
        cause: outcome.cause,
      },
    );
  }
}

/** Removes every trace of a lab. Rejects only before anything was touched. */
export async function bringDown(
  name: string,
  { rootProgram, onFailure }: Installation,
  sink: Sink,
): Promise<void> {
  const unlock = await lockLab(name, labIdentifier(name), 'down');
  const report = reporter(name, 'down', sink);
  let root: RootSession | null = null;
  try {
    root = openRootSession(rootProgram, await obtainRoot());
    await takeBack({ name, root, sink, forget: true });
    report.finished('done', null, null);
  } catch (thrown) {
    onFailure(thrown);
    report.finished('failed', null, toFlatlandError(thrown));
  } finally {
    root?.close();
    await unlock();
  }
}
