import { z } from 'zod';
import { flatlandError } from './error.ts';
import { plannedStep, workKind } from './event.ts';
import { proof } from './probe.ts';

/** A step of a running task. `seconds` is how long it took; `message` is the last thing it said of its progress. */
export const taskStep = plannedStep.extend({
  state: z.enum(['pending', 'running', 'changed', 'unchanged', 'failed', 'cancelled']),
  startedAt: z.iso.datetime().nullable(),
  seconds: z.number().nullable(),
  message: z.string().nullable(),
});
export type TaskStep = z.infer<typeof taskStep>;

/**
 * Long work that a door began. It goes on without the screen that began it. `expectedSeconds` is how long all of it usually
 * takes; `log` has its last lines, notices among them.
 */
export const task = z.object({
  id: z.string(),
  lab: z.string(),
  kind: workKind,
  title: z.string(),
  state: z.enum(['running', 'cancelling', 'done', 'failed', 'cancelled']),
  startedAt: z.iso.datetime(),
  seconds: z.number().nullable(),
  expectedSeconds: z.number().nullable(),
  cancellable: z.boolean(),
  steps: z.array(taskStep),
  log: z.array(z.string()),
  proof: proof.nullable(),
  error: flatlandError.nullable(),
});
export type Task = z.infer<typeof task>;
