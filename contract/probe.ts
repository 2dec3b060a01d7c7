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

/** Which cells to measure; null means any. Names are those of pods and hosts. */
export const probeSelection = z.strictObject({
  from: z.string().nullable(),
  to: z.string().nullable(),
  kinds: z.array(probeKind).nullable(),
});
export type ProbeSelection = z.infer<typeof probeSelection>;

/**
 * One size tried on the way between two ends, unfragmented (DF set): `size` is the whole inner IPv4 packet in bytes.
 * `refused`: the sender's own kernel knew it to be too big; `dropped`: it went out and no answer came.
 */
export const ladderRung = z.object({
  size: z.int(),
  outcome: z.enum(['passed', 'refused', 'dropped']),
  milliseconds: z.number().nullable(),
  said: z.string().nullable(),
});
export type LadderRung = z.infer<typeof ladderRung>;

/**
 * Path MTU of one ordered pair by trying sizes. `headers` are what the backend puts around each packet, outermost first, and
 * their bytes; `largest` is the largest size that passed, null when none did.
 */
export const mtuLadder = z.object({
  at: z.iso.datetime(),
  from: probeEnd,
  to: probeEnd,
  backend: z.string(),
  underlayMtu: z.int(),
  expectedMtu: z.int(),
  largest: z.int().nullable(),
  headers: z.array(z.object({ name: z.string(), bytes: z.int() })),
  rungs: z.array(ladderRung),
});
export type MtuLadder = z.infer<typeof mtuLadder>;
