import type { Task, TaskStep } from '../../contract/task.ts';

/** A step as a test needs it: a second long and not begun unless told otherwise. */
export const testStep = (
  id: string,
  host: string | null,
  needs: string[],
  own: Partial<TaskStep> = {},
): TaskStep => ({
  id,
  title: id,
  host,
  needs,
  expectedSeconds: 1,
  deadlineSeconds: 60,
  state: 'pending',
  startedAt: null,
  seconds: null,
  message: null,
  ...own,
});

/** A task as a test needs it: bringing up the lab `demo`, begun at the beginning of 2026. */
export const testTask = (steps: TaskStep[], own: Partial<Task> = {}): Task => ({
  id: '1',
  lab: 'demo',
  kind: 'up',
  title: 'Bring up demo',
  state: 'running',
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: null,
  expectedSeconds: 4,
  cancellable: true,
  steps,
  log: [],
  proof: null,
  error: null,
  ...own,
});
