import type { PlannedStep } from '../../contract/event.ts';
import { toFlatlandError } from '../failure.ts';
import { obtainRoot, openRootSession, type RootSession } from '../host/sandbox/session.ts';
import { findHost } from './attend.ts';
import { lockLab } from './lock.ts';
import { reporter } from './report.ts';
import { runSteps } from './schedule.ts';
import { type Installation, openLab, type Sink } from './session.ts';

/**
 * Switches a host off, as if its power had failed: what it stored stays, and so does what is remembered of it, so that
 * `repair` brings it back and `down` removes it. Rejects only before anything was touched.
 */
export async function stopHost(
  choice: string | undefined,
  name: string,
  { rootProgram, onFailure }: Installation,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const { lab } = (await openLab(choice)).record;
  const host = findHost(lab, name);
  const unlock = await lockLab(lab.name, lab.id, `switching ${host.name} off`);
  const report = reporter(lab.name, 'host', sink);
  let root: RootSession | null = null;
  try {
    await obtainRoot();
    const session = openRootSession(rootProgram);
    root = session;
    const planned: PlannedStep = {
      id: `power-off:${host.name}`,
      title: 'power off',
      host: host.name,
      needs: [],
      expectedSeconds: 0.3,
      deadlineSeconds: 60,
    };
    report.planned([planned]);
    const perform = async () => {
      await session.perform({ verb: 'stop-host', lab: lab.id, host: host.name, storage: 'keep' });
      return { outcome: 'changed' as const, detail: null };
    };
    const outcome = await runSteps(lab.name, [{ ...planned, perform }], sink, signal);
    if (outcome.kind === 'failed') throw outcome.cause;
    report.finished(outcome.kind, null, null);
  } catch (thrown) {
    onFailure(thrown);
    report.finished('failed', null, toFlatlandError(thrown));
  } finally {
    root?.close();
    await unlock();
  }
}
