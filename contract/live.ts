import { z } from 'zod';
import { historyEntry } from './history.ts';
import { lab } from './lab.ts';
import { probeResult, probeSelection } from './probe.ts';
import { hostStatus, labSummary } from './status.ts';

/** A network interface as ip-address(8) shows it. Addresses have their prefix length; MTU is in bytes. */
export const networkLink = z.object({
  role: z.enum(['overlay', 'bridge', 'underlay']),
  name: z.string(),
  flags: z.array(z.string()),
  operationalState: z.string(),
  mtu: z.int(),
  hardwareAddress: z.string().nullable(),
  addresses: z.array(z.string()),
});
export type NetworkLink = z.infer<typeof networkLink>;

/** An etcd member as it describes itself; `latencyMilliseconds` is one request through the connection to its host. */
export const etcdMember = z.object({
  name: z.string(),
  leader: z.boolean(),
  term: z.int(),
  version: z.string(),
  databaseBytes: z.int(),
  latencyMilliseconds: z.number(),
});
export type EtcdMember = z.infer<typeof etcdMember>;

/** How a host can be reached at this moment. `nextTryAt` is when the next attempt begins. */
const hostReach = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('connecting') }),
  z.object({ kind: z.literal('connected') }),
  z.object({
    kind: z.literal('reconnecting'),
    attempt: z.int(),
    nextTryAt: z.iso.datetime(),
    reason: z.string(),
  }),
]);

/** A host of a watched lab: `reach` is now, everything else is as old as `status.at`. */
export const liveHost = z.object({
  name: z.string(),
  reach: hostReach,
  status: hostStatus,
  links: z.array(networkLink),
  etcd: etcdMember.nullable(),
  kernel: z.string().nullable(),
  bootedAt: z.iso.datetime().nullable(),
});
export type LiveHost = z.infer<typeof liveHost>;

/** Rates of one interface since the sample before: bytes and packets a second. */
export const linkRate = z.object({
  receivedBytes: z.number(),
  sentBytes: z.number(),
  drops: z.number(),
});
export type LinkRate = z.infer<typeof linkRate>;

/**
 * One measurement of a host's load. `at` is Unix time in ms. `cpu` is in processors (1 is one busy processor) and counts the
 * host's own processes; `steal` is the share (0 to 1) of time that the hypervisor gave to others. Null: not to be had.
 * `peers` are the bytes a second of the overlay by the other host's subnet, without those that were silent; null where the
 * kernel carries the packets and counts no pair.
 */
export const sample = z.object({
  host: z.string(),
  at: z.number(),
  cpu: z.number().nullable(),
  processors: z.int(),
  steal: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  overlay: linkRate.nullable(),
  underlay: linkRate.nullable(),
  peers: z
    .array(z.object({ subnet: z.string(), receivedBytes: z.number(), sentBytes: z.number() }))
    .nullable()
    .default(null),
});
export type Sample = z.infer<typeof sample>;

/** Probes that are repeated for as long as the lab is watched; `nextAt` is when they run next. */
export const probeSchedule = z.object({
  everySeconds: z.int(),
  selection: probeSelection,
  nextAt: z.iso.datetime(),
});
export type ProbeSchedule = z.infer<typeof probeSchedule>;

/** A command or shell that a door holds open on a host or in a pod. `lost`: its connection died; it can be opened again. */
export const terminal = z.object({
  id: z.string(),
  lab: z.string(),
  target: z.string(),
  title: z.string(),
  openedAt: z.iso.datetime(),
  state: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('open') }),
    z.object({ kind: z.literal('ended'), code: z.int() }),
    z.object({ kind: z.literal('lost'), reason: z.string() }),
  ]),
});
export type Terminal = z.infer<typeof terminal>;

/** All that is known of a watched lab. Samples and history are in order of time; `probes` has the latest of each cell. */
export const liveLab = z.object({
  lab,
  state: labSummary.shape.state,
  createdAt: z.iso.datetime(),
  hosts: z.array(liveHost),
  samples: z.array(sample),
  probes: z.array(probeResult),
  history: z.array(historyEntry),
});
export type LiveLab = z.infer<typeof liveLab>;

/** What changes in a watched lab. `hosts` and `probes` replace those of the same name or cell; the others are appended. */
export const liveEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('lab'), lab, state: labSummary.shape.state, createdAt: z.iso.datetime() }),
  z.object({ type: z.literal('hosts'), hosts: z.array(liveHost) }),
  z.object({ type: z.literal('hosts-removed'), names: z.array(z.string()) }),
  z.object({ type: z.literal('samples'), samples: z.array(sample) }),
  z.object({ type: z.literal('probes'), results: z.array(probeResult) }),
  z.object({ type: z.literal('history'), entries: z.array(historyEntry) }),
  z.object({ type: z.literal('gone') }),
]);
export type LiveEvent = z.infer<typeof liveEvent>;
