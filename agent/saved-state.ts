import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { cidrSize } from '../contract/ipv4.ts';
import type { ExternalInterface } from './backend/backend.ts';
import { parseJson } from './lease/go-json.ts';
import type { Lease } from './lease/lease.ts';
import type { StoredEntry } from './lease/store.ts';
import { formatLeaseValue, formatSubnetKey } from './lease/value.ts';
import type { Known } from './lease/watch.ts';
import { writeWhole } from './write-file.ts';

/* What a later life of the agent needs to carry packets before etcd answers. It lies beside `subnet.env`, so that a boot clears it. */

const address = z.int().min(0).max(0xffffffff);
const cidr = z
  .object({ base: address, length: z.int().min(0).max(32) })
  .refine((range) => range.base % cidrSize(range) === 0);
const port = z.int().min(0).max(65535);

const backend = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('vxlan'),
    vni: z.int().min(0).max(0xffffff),
    port,
    gbp: z.boolean(),
    learning: z.boolean(),
    directRouting: z.boolean(),
    mtu: z.int().min(1).max(65535).nullable(),
  }),
  z.object({ type: z.literal('udp'), port }),
  z.object({ type: z.literal('host-gw') }),
  z.object({ type: z.literal('alloc') }),
]);

const savedState = z.object({
  version: z.literal(1),
  /** etcd's prefix: another one is another network. */
  prefix: z.string(),
  config: z.object({
    network: cidr,
    subnetLength: z.int().min(0).max(32),
    subnetMin: address,
    subnetMax: address,
    backend,
  }),
  external: z.object({
    name: z.string(),
    index: z.int().min(0).max(0x7fffffff),
    mtu: z.int().min(1).max(0x7fffffff),
    address,
    publicIp: address,
  }),
  subnet: cidr,
  /** Our own key's lease in etcd; null for a reservation. */
  leaseId: z.string().nullable(),
  /** When the subnet may become another host's, by the wall's clock; null: never. */
  expiresAt: z.iso.datetime().nullable(),
  /** The same in milliseconds since the boot that is named, which is what counts within it. Older agents wrote neither. */
  bootId: z.string().default(''),
  endsAt: z.number().nullable().default(null),
  /** The etcd that told the leases, and its revision then; null when an older agent wrote this. */
  store: z.object({ clusterId: z.string(), revision: z.number() }).nullable().default(null),
  leases: z.array(
    z
      .object({
        subnet: cidr,
        publicIp: address,
        backendType: z.string(),
        backendData: z.unknown().optional(),
      })
      // udp's leases carry none, and JSON drops what is undefined.
      .transform((lease) => ({ ...lease, backendData: lease.backendData })),
  ),
});
export type SavedState = z.output<typeof savedState>;

export const savedStateFile = (subnetFile: string): string => `${subnetFile}.agent.json`;

export async function writeState(
  path: string,
  state: Omit<SavedState, 'version' | 'leases'> & { readonly leases: readonly Lease[] },
): Promise<void> {
  await writeWhole(path, JSON.stringify({ version: 1, ...state }));
}

/** Null for text that is none, or none that can be used: a life that began with rubbish would wait for it for ever. */
export function parseState(text: string): SavedState | null {
  const json = parseJson(text);
  return json.kind === 'decoded' ? (savedState.safeParse(json.value).data ?? null) : null;
}

/** The state of an earlier life; null when there is none, or none that can be used. */
export async function readState(path: string): Promise<SavedState | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : parseState(text);
}

/** The leases as the etcd told them that the state names: should that lose its data, they are known and kept for a while. */
export function knownFrom({ store, leases }: SavedState): Known | null {
  if (store === null) return null;
  const entries = leases.map(({ subnet, publicIp, backendType, backendData }): StoredEntry => {
    const value = formatLeaseValue(publicIp, { BackendType: backendType, BackendData: backendData });
    return { name: formatSubnetKey(subnet), value, modRevision: 0, leaseId: null };
  });
  return { ...store, entries: new Map(entries.map((entry) => [entry.name, entry])), kept: new Map() };
}

/** Now: by the wall's clock, which may have been set to anything, and by the one that counts from a boot. */
export interface Moment {
  readonly wall: number;
  readonly bootId: string;
  readonly sinceBoot: number;
}

const lives = ({ expiresAt, bootId, endsAt }: SavedState, now: Moment): boolean => {
  if (expiresAt === null) return true;
  if (endsAt !== null && bootId !== '' && bootId === now.bootId) return endsAt > now.sinceBoot;
  return Date.parse(expiresAt) > now.wall;
};

/** Whether a saved state still describes this host and network: same prefix, interface and addresses, and a lease that lives. */
export const stillFits = (
  state: SavedState,
  prefix: string,
  external: ExternalInterface,
  now: Moment,
): boolean =>
  lives(state, now) &&
  state.prefix === prefix &&
  state.external.name === external.name &&
  state.external.address === external.address &&
  state.external.publicIp === external.publicIp;
