import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ExternalInterface } from './backend/backend.ts';
import type { Lease } from './lease/lease.ts';
import { writeWhole } from './write-file.ts';

/* What a later life of the agent needs to carry packets before etcd answers. It lies beside `subnet.env`, so that a boot clears it. */

const address = z.int().min(0).max(0xffffffff);
const cidr = z.object({ base: address, length: z.int().min(0).max(32) });
const port = z.int().min(0).max(65535);

const backend = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('vxlan'),
    vni: z.int(),
    port,
    gbp: z.boolean(),
    learning: z.boolean(),
    directRouting: z.boolean(),
    mtu: z.int().nullable(),
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
    subnetLength: z.int(),
    subnetMin: address,
    subnetMax: address,
    backend,
  }),
  external: z.object({
    name: z.string(),
    index: z.int(),
    mtu: z.int(),
    address,
    publicIp: address,
  }),
  subnet: cidr,
  /** Our own key's lease in etcd; null for a reservation. */
  leaseId: z.string().nullable(),
  /** When the subnet may become another host's; null: never. */
  expiresAt: z.iso.datetime().nullable(),
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

/** The state of an earlier life; null when there is none, or none that can be used. */
export async function readState(path: string): Promise<SavedState | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const json: unknown = JSON.parse(text);
    return savedState.safeParse(json).data ?? null;
  } catch {
    return null;
  }
}

/** Whether a saved state still describes this host and network: same prefix, interface and addresses, and a lease that lives. */
export const stillFits = (
  { expiresAt, ...state }: SavedState,
  prefix: string,
  external: ExternalInterface,
  now: number,
): boolean =>
  (expiresAt === null || Date.parse(expiresAt) > now) &&
  state.prefix === prefix &&
  state.external.name === external.name &&
  state.external.address === external.address &&
  state.external.publicIp === external.publicIp;
