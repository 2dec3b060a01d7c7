import type { LabSummary } from '../../contract/status.ts';
import { listLabs } from './inspect.ts';
import { openPulse } from './live/pulse.ts';
import { labsDirectory } from './state.ts';

/** Tells of all labs, at once and whenever one changes, whoever changes it. Resolves when `signal` is aborted. */
export async function watchLabs(sink: (labs: LabSummary[]) => void, signal: AbortSignal): Promise<void> {
  const pulse = openPulse(labsDirectory(), signal);
  let told: string | null = null;
  try {
    while (!signal.aborted) {
      const labs = await listLabs();
      const text = JSON.stringify(labs);
      if (text !== told && !signal.aborted) sink(labs);
      told = text;
      await pulse.next();
    }
  } finally {
    pulse.close();
  }
}
