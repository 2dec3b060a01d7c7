import type { LabEvent, PlannedStep, WorkKind } from '../../contract/event.ts';
import type { Task, TaskStep } from '../../contract/task.ts';

const keptLines = 200;

/** What is known of long work before it says anything. */
export interface TaskStart {
  readonly id: string;
  readonly lab: string;
  readonly kind: WorkKind;
  readonly title: string;
  readonly cancellable: boolean;
}

export const newTask = (start: TaskStart, startedAt: string): Task => ({
  ...start,
  state: 'running',
  startedAt,
  seconds: null,
  expectedSeconds: null,
  steps: [],
  log: [],
  proof: null,
  error: null,
});

const pending = (step: PlannedStep): TaskStep => ({
  ...step,
  state: 'pending',
  startedAt: null,
  seconds: null,
  message: null,
});

const withStep = (task: Task, id: string, change: Partial<TaskStep>): Task => ({
  ...task,
  steps: task.steps.map((step) => (step.id === id ? { ...step, ...change } : step)),
});

const withLine = (task: Task, text: string): Task => ({
  ...task,
  log: [...task.log, text].slice(-keptLines),
});

function stepLine(task: Task, id: string, text: string): string {
  const step = task.steps.find((one) => one.id === id);
  if (step === undefined) return text;
  return `${step.host === null ? '' : `${step.host} `}${step.title}: ${text}`;
}

const secondsBetween = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;

/**
 * The task after one more event of its work. Pure; events of steps that were never planned change nothing but the log.
 * `expectedSeconds` says how long all of a plan usually takes.
 */
export function advanceTask(
  task: Task,
  event: LabEvent,
  expectedSeconds: (steps: readonly PlannedStep[]) => number,
): Task {
  switch (event.type) {
    case 'planned': {
      if (event.steps.length === 0) return task;
      // An `up` that fails is followed by the plan that takes it back, which may name a step again.
      const again = new Set(event.steps.map(({ id }) => id));
      return {
        ...task,
        steps: [...task.steps.filter(({ id }) => !again.has(id)), ...event.steps.map(pending)],
        expectedSeconds: secondsBetween(task.startedAt, event.at) + expectedSeconds(event.steps),
      };
    }
    case 'step-started':
      return withStep(task, event.step, { state: 'running', startedAt: event.at });
    case 'step-progress':
      return withStep(task, event.step, { message: event.message });
    case 'step-log':
      return withLine(task, stepLine(task, event.step, event.line));
    case 'step-done':
      return withStep(task, event.step, {
        state: event.outcome,
        seconds: event.seconds,
        message: event.detail,
      });
    case 'step-failed':
      return withLine(
        withStep(task, event.step, {
          state: 'failed',
          seconds: event.seconds,
          message: event.error.message,
        }),
        stepLine(task, event.step, event.error.message),
      );
    case 'step-cancelled':
      return withStep(task, event.step, { state: 'cancelled', seconds: event.seconds });
    case 'notice':
      return withLine(task, event.message);
    case 'probed':
      return task;
    case 'finished':
      return {
        ...task,
        state: event.outcome,
        cancellable: false,
        seconds: event.seconds,
        proof: event.proof,
        error: event.error,
        steps: task.steps.map((step) => (step.state === 'running' ? { ...step, state: 'cancelled' } : step)),
      };
  }
}
