import type { FlatlandError } from '../../../contract/error.ts';
import type { LabEvent, PlannedStep, WorkKind } from '../../../contract/event.ts';
import type { ProbeResult } from '../../../contract/probe.ts';

/** What is being done to a lab, in words. */
export const doing: Record<WorkKind, string> = {
  up: 'bringing up',
  down: 'taking down',
  probe: 'probing',
  image: 'loading an image into',
  host: 'stopping a host of',
};

export type Finished = Extract<LabEvent, { type: 'finished' }>;

export interface StepView {
  readonly plan: PlannedStep;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly startedAt: number | null;
  readonly seconds: number | null;
  readonly message: string | null;
  readonly logs: readonly string[];
  readonly error: FlatlandError | null;
  readonly unchanged: boolean;
}

/** One plan under way. An `up` that fails is followed by the `down` that takes it back. */
export interface Phase {
  readonly work: WorkKind;
  readonly startedAt: number;
  readonly steps: readonly StepView[];
}

/** Results in the order of their coming, newest first: adding one is cheap however many there are. */
export interface ResultChain {
  readonly result: ProbeResult;
  readonly before: ResultChain | null;
}

/** All that the events said so far. */
export interface View {
  readonly lab: string | null;
  readonly phases: readonly Phase[];
  readonly notices: readonly { readonly level: 'info' | 'warning'; readonly message: string }[];
  readonly results: ResultChain | null;
  readonly probes: { readonly green: number; readonly red: number };
  readonly finished: Finished | null;
}

export const emptyView: View = {
  lab: null,
  phases: [],
  notices: [],
  results: null,
  probes: { green: 0, red: 0 },
  finished: null,
};

const keptLogs = 12;

const waiting = (plan: PlannedStep): StepView => ({
  plan,
  state: 'waiting',
  startedAt: null,
  seconds: null,
  message: null,
  logs: [],
  error: null,
  unchanged: false,
});

/** Changes the step of that id in the latest phase that has it; an unknown id changes nothing. */
function withStep(view: View, id: string, change: (step: StepView) => StepView): View {
  const index = view.phases.findLastIndex(({ steps }) => steps.some(({ plan }) => plan.id === id));
  return {
    ...view,
    phases: view.phases.map((phase, position) =>
      position === index
        ? { ...phase, steps: phase.steps.map((step) => (step.plan.id === id ? change(step) : step)) }
        : phase,
    ),
  };
}

/** What is known after one more event. Pure; it takes events in any order. */
export function advance(view: View, event: LabEvent): View {
  switch (event.type) {
    case 'planned': {
      const phase = { work: event.work, startedAt: Date.parse(event.at), steps: event.steps.map(waiting) };
      return { ...view, lab: event.lab, phases: [...view.phases, phase] };
    }
    case 'step-started':
      return withStep(view, event.step, (step) => ({
        ...step,
        state: 'running',
        startedAt: Date.parse(event.at),
      }));
    case 'step-progress':
      return withStep(view, event.step, (step) => ({ ...step, message: event.message }));
    case 'step-log':
      return withStep(view, event.step, (step) => ({
        ...step,
        logs: [...step.logs, event.line].slice(-keptLogs),
      }));
    case 'step-done':
      return withStep(view, event.step, (step) => ({
        ...step,
        state: 'done',
        seconds: event.seconds,
        message: event.detail,
        unchanged: event.outcome === 'unchanged',
      }));
    case 'step-failed':
      return withStep(view, event.step, (step) => ({
        ...step,
        state: 'failed',
        seconds: event.seconds,
        error: event.error,
      }));
    case 'step-cancelled':
      return withStep(view, event.step, (step) => ({ ...step, state: 'cancelled', seconds: event.seconds }));
    case 'notice':
      return { ...view, notices: [...view.notices, { level: event.level, message: event.message }] };
    case 'probed': {
      const { green, red } = view.probes;
      return {
        ...view,
        results: { result: event.result, before: view.results },
        probes: event.result.ok ? { green: green + 1, red } : { green, red: red + 1 },
      };
    }
    case 'finished':
      return { ...view, lab: event.lab, finished: event };
  }
}

/** The results in the order of their coming. */
export function resultsOf(view: View): ProbeResult[] {
  const results: ProbeResult[] = [];
  for (let entry = view.results; entry !== null; entry = entry.before) results.push(entry.result);
  return results.reverse();
}
