import { z } from 'zod';

/** Where the agent stands. `waiting`: it cannot go on before something heals, and `waitingFor` says what. */
const agentPhase = z.enum(['starting', 'waiting', 'ready', 'stopping']);

/** A lease of another host as the agent sees it; `ignored` and why, when this backend cannot use it. */
export const agentPeer = z.object({
  subnet: z.string(),
  publicIp: z.string(),
  backendType: z.string(),
  state: z.enum(['programmed', 'ignored', 'failed']),
  reason: z.string().nullable(),
});
export type AgentPeer = z.infer<typeof agentPeer>;

const directionTraffic = z.object({
  packets: z.int(),
  bytes: z.int(),
  drops: z.record(z.string(), z.int()),
});

/** What a backend in userspace has carried since it began; `drops` are packets by reason. */
const agentTraffic = z.object({
  out: directionTraffic,
  in: directionTraffic,
  peers: z.array(
    z.object({
      subnet: z.string(),
      outPackets: z.int(),
      outBytes: z.int(),
      inPackets: z.int(),
      inBytes: z.int(),
    }),
  ),
});
export type AgentTraffic = z.infer<typeof agentTraffic>;

/**
 * What the agent says of itself on `/status` of its socket. Ranges are CIDR text, MTU is in bytes.
 * `lease.expiresAt` is null for a reservation, which has no TTL. `etcd.error` is the last failure while not connected.
 * `repairs` counts kernel state that others had changed and the agent put back.
 * `passes` are the comparisons of the kernel with the leases: how many, the seconds that they took in all, and those from
 * the arrival of the newest leases until they were programmed.
 * `traffic` is null when the kernel carries the packets, and from agents that don't count.
 */
export const agentStatus = z.object({
  version: z.string(),
  at: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  phase: agentPhase,
  waitingFor: z.string().nullable(),
  network: z.string().nullable(),
  subnet: z.string().nullable(),
  backend: z.string().nullable(),
  publicIp: z.string().nullable(),
  interface: z.string().nullable(),
  mtu: z.int().nullable(),
  device: z.object({ name: z.string(), address: z.string(), mtu: z.int() }).nullable(),
  lease: z
    .object({
      acquiredAt: z.iso.datetime(),
      renewedAt: z.iso.datetime(),
      expiresAt: z.iso.datetime().nullable(),
    })
    .nullable(),
  etcd: z.object({ connected: z.boolean(), since: z.iso.datetime(), error: z.string().nullable() }),
  peers: z.array(agentPeer),
  repairs: z.int(),
  passes: z
    .object({ count: z.int(), seconds: z.number(), lagSeconds: z.number().nullable() })
    .default({ count: 0, seconds: 0, lagSeconds: null }),
  traffic: agentTraffic.nullable().default(null),
});
export type AgentStatus = z.infer<typeof agentStatus>;
