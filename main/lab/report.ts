import type { FlatlandError } from '../../contract/error.ts';
import type { LabEvent, PlannedStep } from '../../contract/event.ts';
import type { Proof } from '../../contract/probe.ts';
import type { Sink } from './session.ts';

type Finished = Extract<LabEvent, { type: 'finished' }>;

/** The events that every long work begins and ends with. */
export function reporter(lab: string, work: Finished['work'], sink: Sink) {
  const began = performance.now();
  const at = () => new Date().toISOString();
  return {
    planned: (steps: PlannedStep[]) => sink({ type: 'planned', at: at(), lab, work, steps }),
    notice: (level: 'info' | 'warning', message: string) =>
      sink({ type: 'notice', at: at(), lab, level, message }),
    finished: (outcome: Finished['outcome'], proof: Proof | null, error: FlatlandError | null) =>
      sink({
        type: 'finished',
        at: at(),
        lab,
        work,
        outcome,
        seconds: Math.round(performance.now() - began) / 1000,
        proof,
        error,
      }),
  };
}
