import { z } from 'zod';
import { plannedStep } from './event.ts';
import { backendType, dnsLabel, labFile } from './lab.ts';

const labName = labFile.shape.name.optional();

/** Where a lab comes from: a lab file that a door has read, or a few numbers. */
export const labSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string(), text: z.string(), name: labName }),
  z.strictObject({
    kind: z.literal('generated'),
    hosts: z.int().min(1).max(64),
    backend: backendType,
    name: labName,
  }),
]);
export type LabSource = z.infer<typeof labSource>;

/** The lab is found by name; with no name the only lab is meant. */
export const labChoice = z.strictObject({ lab: z.string().optional() });
export type LabChoice = z.infer<typeof labChoice>;

export const runRequest = labChoice.extend({
  host: z.string(),
  image: z.string().optional(),
  name: dnsLabel.optional(),
  command: z.array(z.string()).optional(),
});
export type RunRequest = z.infer<typeof runRequest>;

/**
 * A command on a host or in a pod. `host` and `pod` names are looked up in that order.
 * An empty command is a login shell. `terminal` asks for a PTY of that size.
 */
export const execRequest = labChoice.extend({
  target: z.string(),
  command: z.array(z.string()),
  terminal: z.strictObject({ columns: z.int(), rows: z.int(), type: z.string() }).nullable(),
});
export type ExecRequest = z.infer<typeof execRequest>;

/** `service`: console, etcd, agent, docker, containerd or any systemd unit of the host. */
export const logsRequest = labChoice.extend({
  host: z.string(),
  service: z.string(),
  follow: z.boolean(),
  lines: z.int().min(1),
});
export type LogsRequest = z.infer<typeof logsRequest>;

/** What `up` would do, with its cost, before anything is touched. */
export const planResult = z.object({
  lab: z.string(),
  steps: z.array(plannedStep),
  notices: z.array(z.string()),
  cost: z.object({ seconds: z.number(), memoryMebibytes: z.int(), diskMebibytes: z.int() }),
});
export type PlanResult = z.infer<typeof planResult>;
