import { z } from 'zod';
import { flatlandError } from './error.ts';
import { plannedStep } from './event.ts';
import { backendType, imageReference, labFile, podName } from './lab.ts';
import { probeSelection } from './probe.ts';

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
  image: imageReference.optional(),
  name: podName.optional(),
  command: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
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

/** Text of a lab file to be checked while it is written; `path` is the name that its problems are told with. */
export const checkRequest = z.strictObject({ path: z.string(), text: z.string() });
export type CheckRequest = z.infer<typeof checkRequest>;

/** A place in a lab file and what is wrong there; lines and columns count from 1. */
export const fileProblem = z.object({ line: z.int(), column: z.int(), message: z.string() });
export type FileProblem = z.infer<typeof fileProblem>;

/** What is to be said of a lab file: its plan, its problems, or why this machine cannot do it. `file` is set once it parses. */
export const checkResult = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('plan'), file: labFile, plan: planResult }),
  z.object({ kind: z.literal('problems'), problems: z.array(fileProblem) }),
  z.object({ kind: z.literal('impossible'), file: labFile, error: flatlandError }),
]);
export type CheckResult = z.infer<typeof checkResult>;

/** Some cells of the matrix. The whole matrix when `selection` is left out. */
export const probeRequest = labChoice.extend({ selection: probeSelection.optional() });
export type ProbeRequest = z.infer<typeof probeRequest>;

/** One ordered pair, by the names of pods or hosts; what is measured ends in a pod. */
export const ladderRequest = labChoice.extend({ from: z.string(), to: z.string() });
export type LadderRequest = z.infer<typeof ladderRequest>;

/** One pod of a lab, wherever it runs. */
export const podRequest = labChoice.extend({ pod: z.string() });
export type PodRequest = z.infer<typeof podRequest>;

/** What a pod printed. */
export const podLogsRequest = podRequest.extend({ follow: z.boolean(), lines: z.int().min(1).max(100_000) });
export type PodLogsRequest = z.infer<typeof podLogsRequest>;

/** One host of a lab. */
export const hostRequest = labChoice.extend({ host: z.string() });
export type HostRequest = z.infer<typeof hostRequest>;

/** An image in a file of this machine, as `docker save` writes it (tar, also gzipped), for some hosts of a lab. */
export const loadImageRequest = labChoice.extend({ hosts: z.array(z.string()).min(1), path: z.string() });
export type LoadImageRequest = z.infer<typeof loadImageRequest>;

/** An image that a host has. */
export const imageSummary = z.object({ name: z.string(), id: z.string(), bytes: z.int() });
export type ImageSummary = z.infer<typeof imageSummary>;
