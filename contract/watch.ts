import { z } from 'zod';
import { liveEvent, liveLab, probeSchedule, terminal } from './live.ts';
import { labSummary } from './status.ts';
import { task } from './task.ts';

/** What every screen has, whichever lab it shows. */
export const overview = z.object({
  labs: z.array(labSummary),
  tasks: z.array(task),
  terminals: z.array(terminal),
});
export type Overview = z.infer<typeof overview>;

/**
 * The one stream that a screen is drawn from: a snapshot, then what changes. `lab` of the snapshot is null when no lab was asked
 * for, or when there is none of that name. `labs`, `terminals` and `schedule` are whole; `tasks` replace those of the same id.
 */
export const watchEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    at: z.iso.datetime(),
    version: z.string(),
    overview,
    lab: liveLab.nullable(),
    schedule: probeSchedule.nullable(),
  }),
  z.object({ type: z.literal('labs'), labs: z.array(labSummary) }),
  z.object({ type: z.literal('tasks'), tasks: z.array(task) }),
  z.object({ type: z.literal('tasks-removed'), ids: z.array(z.string()) }),
  z.object({ type: z.literal('terminals'), terminals: z.array(terminal) }),
  z.object({ type: z.literal('schedule'), schedule: probeSchedule.nullable() }),
  z.object({ type: z.literal('live'), at: z.iso.datetime(), events: z.array(liveEvent) }),
]);
export type WatchEvent = z.infer<typeof watchEvent>;

/** Output of a terminal or a log: `sequence` counts chunks from 0, so that a reader goes on where it stopped. */
export const outputEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('output'), sequence: z.int(), base64: z.string() }),
  z.object({ type: z.literal('ended'), code: z.int() }),
  z.object({ type: z.literal('lost'), reason: z.string() }),
]);
export type OutputEvent = z.infer<typeof outputEvent>;
