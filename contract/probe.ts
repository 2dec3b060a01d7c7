import { z } from 'zod';

/** One end of a probe. `address` is the overlay address of a pod; for a host it is its underlay address. */
export const probeEnd = z.object({
  kind: z.enum(['pod', 'host']),
  name: z.string(),
  host: z.string(),
  address: z.string(),
});
export type ProbeEnd = z.infer<typeof probeEnd>;

/** ping: RTT; mtu: largest unfragmented packet; source: address that the server saw; http: answer on port 80 (or the pod's first port). */
export const probeKind = z.enum(['ping', 'mtu', 'source', 'http']);
export type ProbeKind = z.infer<typeof probeKind>;

/** One cell of the proof: one kind of probe for one ordered pair. `expected` and `seen` are words for people. */
export const probeResult = z.object({
  at: z.iso.datetime(),
  kind: probeKind,
  from: probeEnd,
  to: probeEnd,
  path: z.enum(['same-host', 'cross-host']),
  ok: z.boolean(),
  expected: z.string(),
  seen: z.string(),
  milliseconds: z.number().nullable(),
});
export type ProbeResult = z.infer<typeof probeResult>;

/** The proof in one sentence's worth of numbers. A pair is green when all its cells are. RTT is p50 over green ping cells. */
export const proof = z.object({
  pairs: z.int(),
  greenPairs: z.int(),
  cells: z.int(),
  greenCells: z.int(),
  mtu: z.int().nullable(),
  rttMilliseconds: z.number().nullable(),
});
export type Proof = z.infer<typeof proof>;
