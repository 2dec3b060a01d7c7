import { z } from 'zod';
import { agentStatus } from './agent.ts';
import { lab, pod } from './lab.ts';

/** What `ls` shows of a lab. `half-built`: an `up` or `down` did not end; run it again. */
export const labSummary = z.object({
  name: z.string(),
  state: z.enum(['up', 'half-built', 'busy']),
  createdAt: z.iso.datetime(),
  hosts: z.int(),
  pods: z.int(),
  backend: z.string(),
  cidr: z.string(),
  underlay: z.string(),
});
export type LabSummary = z.infer<typeof labSummary>;

/** A pod as its host reports it; `address` is null until Docker gave it one. `declared`: it is in the lab file. */
export const podStatus = pod.extend({
  state: z.enum(['running', 'exited', 'missing', 'unknown']),
  address: z.string().nullable(),
  declared: z.boolean(),
});
export type PodStatus = z.infer<typeof podStatus>;

/** What could be learnt of a service; `unknown` when the host could not be asked. */
export const serviceState = z.enum(['running', 'starting', 'failed', 'absent', 'unknown']);

/** One host. `reach` says whether it answers over SSH; `at` is when these values were read. */
export const hostStatus = z.object({
  name: z.string(),
  address: z.string(),
  provider: z.string(),
  reach: z.enum(['connected', 'lost']),
  at: z.iso.datetime(),
  services: z.object({ etcd: serviceState, agent: serviceState, docker: serviceState }),
  etcdMember: z.boolean(),
  docker: z
    .object({ bip: z.string().nullable(), mtu: z.int().nullable(), version: z.string().nullable() })
    .nullable(),
  agent: agentStatus.nullable(),
  pods: z.array(podStatus),
  error: z.string().nullable(),
});
export type HostStatus = z.infer<typeof hostStatus>;

export const labStatus = z.object({
  lab,
  state: labSummary.shape.state,
  at: z.iso.datetime(),
  hosts: z.array(hostStatus),
});
export type LabStatus = z.infer<typeof labStatus>;
