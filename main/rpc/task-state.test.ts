import { describe, expect, it } from 'vitest';
import type { LabEvent } from '../../contract/event.ts';
import { task as taskSchema } from '../../contract/task.ts';
import { failure } from '../failure.ts';
import { advanceTask, newTask } from './task-state.ts';

const at = (seconds: number) =>
  new Date(Date.parse('2026-11-25T10:00:00.000Z') + seconds * 1000).toISOString();
const begun = newTask({ id: 't', lab: 'demo', kind: 'up', title: 'Bring up demo', cancellable: true }, at(0));
const step = (id: string, host: string | null = null) => ({
  id,
  title: id,
  host,
  needs: [],
  expectedSeconds: 2,
  deadlineSeconds: 60,
});
const sum = (steps: readonly { expectedSeconds: number }[]) =>
  steps.reduce((total, { expectedSeconds }) => total + expectedSeconds, 0);
const taskAfter = (...events: LabEvent[]) =>
  events.reduce((task, event) => advanceTask(task, event, sum), begun);
const base = { lab: 'demo' };
const planned: LabEvent = {
  type: 'planned',
  at: at(1),
  ...base,
  work: 'up',
  steps: [step('boot', 'h1'), step('proof')],
};
const finished = (outcome: 'done' | 'failed' | 'cancelled'): LabEvent => ({
  type: 'finished',
  at: at(9),
  ...base,
  work: 'up',
  outcome,
  seconds: 9,
  proof: null,
  error: outcome === 'done' ? null : failure('cancelled', 'Cancelled').error,
});

describe('a task', () => {
  it('has the plan with its expected time, counted from when the task began', () => {
    const task = taskAfter(planned);
    expect(task.steps.map(({ id, state }) => [id, state])).toEqual([
      ['boot', 'pending'],
      ['proof', 'pending'],
    ]);
    expect(task.expectedSeconds).toBe(1 + 4);
    expect(taskSchema.parse(task)).toEqual(task);
  });

  it('follows its steps', () => {
    const task = taskAfter(
      planned,
      { type: 'step-started', at: at(2), ...base, step: 'boot' },
      { type: 'step-progress', at: at(2), ...base, step: 'boot', message: 'waiting for SSH' },
      { type: 'step-log', at: at(2), ...base, step: 'boot', line: 'Started sshd.' },
    );
    expect(task.steps[0]).toMatchObject({ state: 'running', startedAt: at(2), message: 'waiting for SSH' });
    expect(task.log).toEqual(['h1 boot: Started sshd.']);
    const done: LabEvent = {
      type: 'step-done',
      at: at(4),
      ...base,
      step: 'boot',
      seconds: 2,
      outcome: 'unchanged',
      detail: null,
    };
    expect(advanceTask(task, done, sum).steps[0]).toMatchObject({ state: 'unchanged', seconds: 2 });
  });

  it('says in its log and in the step why a step failed', () => {
    const { error } = failure('host-silent', 'h1 does not answer.');
    const task = taskAfter(planned, {
      type: 'step-failed',
      at: at(3),
      ...base,
      step: 'boot',
      seconds: 1,
      error,
    });
    expect(task.steps[0]).toMatchObject({ state: 'failed', message: 'h1 does not answer.' });
    expect(task.log).toEqual(['h1 boot: h1 does not answer.']);
  });

  it('has every step once when a plan that takes it back names one again', () => {
    const task = taskAfter(planned, {
      ...planned,
      at: at(5),
      work: 'down',
      steps: [step('boot', 'h1'), step('forget')],
    });
    expect(task.steps.map(({ id }) => id)).toEqual(['proof', 'boot', 'forget']);
    expect(task.expectedSeconds).toBe(5 + 4);
  });

  it('leaves no step running when it ends', () => {
    const started: LabEvent = { type: 'step-started', at: at(2), ...base, step: 'boot' };
    const task = taskAfter(planned, started, finished('cancelled'));
    expect(task).toMatchObject({ state: 'cancelled', seconds: 9, cancellable: false });
    expect(task.steps.map(({ state }) => state)).toEqual(['cancelled', 'pending']);
    expect(task.error?.code).toBe('cancelled');
  });

  it('keeps the last 200 lines', () => {
    const lines = Array.from(
      { length: 500 },
      (_, index): LabEvent => ({
        type: 'notice',
        at: at(1),
        ...base,
        level: 'info',
        message: `line ${index}`,
      }),
    );
    const { log } = taskAfter(...lines);
    expect(log).toHaveLength(200);
    expect(log.at(-1)).toBe('line 499');
  });
});
