import { z } from 'zod';

const labId = z.string().regex(/^[0-9a-f]{8}$/);
const hostName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])$/);
const address = z.ipv4();
const prefixLength = z.int().min(8).max(30);
const oneLine = z.string().regex(/^[^\n\r]+$/);

/**
 * Everything that is done as root on this machine. Each verb may be repeated: it ends in the same state.
 * Paths, interface and machine names are derived from `lab` and `host` by the root program, never taken from a caller.
 */
export const verb = z.discriminatedUnion('verb', [
  /** The bridge of a lab, in a network namespace of its own, and the one link that joins this machine to it. */
  z.strictObject({
    verb: z.literal('raise-underlay'),
    lab: labId,
    gateway: address,
    prefixLength,
    mtu: z.int().min(1280).max(9216),
  }),
  /** A host: network namespace, link to the bridge, identity, storage, control group, systemd-nspawn. Answers its process id. */
  z.strictObject({
    verb: z.literal('start-host'),
    lab: labId,
    host: hostName,
    address,
    gateway: address,
    prefixLength,
    mtu: z.int().min(1280).max(9216),
    memoryMebibytes: z.int().min(128).nullable(),
    hostPrivateKey: z.string().min(1),
    authorizedKey: oneLine,
    hostsFile: z.string(),
    // It becomes a part of a bind option, where a colon or a backslash means something.
    node: z.string().regex(/^\/[^:\\\n\r]+$/),
  }),
  /** The end of a host at once, as if its power had failed; `storage` is what a host keeps over a restart. */
  z.strictObject({
    verb: z.literal('stop-host'),
    lab: labId,
    host: hostName,
    storage: z.enum(['keep', 'remove']),
  }),
  z.strictObject({ verb: z.literal('lower-underlay'), lab: labId }),
]);
export type Verb = z.infer<typeof verb>;

export const rootRequest = z.strictObject({ id: z.int(), request: verb });

export const rootReply = z.discriminatedUnion('outcome', [
  z.object({ id: z.int(), outcome: z.literal('done'), pid: z.int().nullable(), changed: z.boolean() }),
  z.object({ id: z.int(), outcome: z.literal('failed'), message: z.string() }),
]);
/** What a verb did: `changed` is false when all was as asked already; `pid` is a started or found host's supervisor. */
export type Performed = { readonly pid: number | null; readonly changed: boolean };
export type RootReply = z.infer<typeof rootReply>;
