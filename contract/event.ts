import { z } from 'zod';
import { flatlandError } from './error.ts';
import { probeResult, proof } from './probe.ts';

/** A step of a plan as the doors show it. `needs` are ids of steps; `seconds` is how long it usually takes. */
export const plannedStep = z.object({
  id: z.string(),
  title: z.string(),
  host: z.string().nullable(),
  needs: z.array(z.string()),
  expectedSeconds: z.number(),
  deadlineSeconds: z.number(),
});
export type PlannedStep = z.infer<typeof plannedStep>;

/** Long work: a lab brought up or down, probes, an image loaded, a host stopped. */
export const workKind = z.enum(['up', 'down', 'probe', 'image', 'host']);
export type WorkKind = z.infer<typeof workKind>;

const base = { at: z.iso.datetime(), lab: z.string() };
const stepBase = { ...base, step: z.string() };

/** Everything that long work reports, the same for every door. `seconds` is the time since the step or the command began. */
export const labEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('planned'),
    ...base,
    work: workKind,
    steps: z.array(plannedStep),
  }),
  z.object({ type: z.literal('step-started'), ...stepBase }),
  z.object({ type: z.literal('step-progress'), ...stepBase, message: z.string() }),
  z.object({ type: z.literal('step-log'), ...stepBase, line: z.string() }),
  z.object({
    type: z.literal('step-done'),
    ...stepBase,
    seconds: z.number(),
    outcome: z.enum(['changed', 'unchanged']),
    detail: z.string().nullable(),
  }),
  z.object({ type: z.literal('step-failed'), ...stepBase, seconds: z.number(), error: flatlandError }),
  z.object({ type: z.literal('step-cancelled'), ...stepBase, seconds: z.number() }),
  z.object({ type: z.literal('notice'), ...base, level: z.enum(['info', 'warning']), message: z.string() }),
  z.object({ type: z.literal('probed'), ...base, result: probeResult }),
  z.object({
    type: z.literal('finished'),
    ...base,
    work: workKind,
    outcome: z.enum(['done', 'failed', 'cancelled']),
    seconds: z.number(),
    proof: proof.nullable(),
    error: flatlandError.nullable(),
  }),
]);
export type LabEvent = z.infer<typeof labEvent>;
