import { z } from 'zod';

/** A DNS label (RFC 1123): lower case letters, digits and inner hyphens, at most 63 characters. */
export const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be a DNS label: a-z, 0-9 and inner hyphens, at most 63 characters',
  );

/** Lab and host names become parts of machine names and paths, so they are shorter than DNS allows. */
const shortLabel = dnsLabel
  .max(32, 'must have at most 32 characters')
  .min(2, 'must have at least 2 characters');

/** A pod's name is its container's as well, which Docker wants to have two characters at least. */
export const podName = dnsLabel.min(2, 'must have at least 2 characters');

const ipv4Range = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, 'must be an IPv4 range such as 10.77.0.0/16');

/** An image reference (distribution/reference): registry, path, tag and digest; no white space or quotes. */
export const imageReference = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}$/,
    'must be an image reference such as nginx:1.27 or registry.example/team/web:2',
  );

const port = z.int().min(1).max(65535);

const vxlan = z.strictObject({
  type: z.literal('vxlan'),
  vni: z.int().min(1).max(16_777_215).default(1).describe('VXLAN network identifier'),
  port: port.default(8472).describe('UDP port of the outer packets'),
  directRouting: z.boolean().default(false).describe('Plain routes to hosts on the same link'),
});
const udp = z.strictObject({
  type: z.literal('udp'),
  port: port.default(8285).describe('UDP port of the outer packets'),
});
const hostGateway = z.strictObject({ type: z.literal('host-gw') });

export const backendType = z.enum(['vxlan', 'udp', 'host-gw']);
export type BackendType = z.infer<typeof backendType>;

/** The overlay's backend with its options; they become the `Backend` object of flannel's config. */
export const backend = z.discriminatedUnion('type', [vxlan, udp, hostGateway]);
export type Backend = z.infer<typeof backend>;

const sandboxProvider = z.strictObject({
  type: z.literal('sandbox'),
  memory: z.int().min(128).optional().describe('Memory limit in MiB; no limit when left out'),
});
const provider = z.discriminatedUnion('type', [sandboxProvider]);

const labels = z.record(z.string(), z.string());

/** The name of the test image that Flatland builds itself, without a registry. */
export const builtInImage = 'flatland/pod';

/** A lab file as its author writes it (YAML), after its defaults are filled in. */
export const labFile = z.strictObject({
  name: shortLabel.describe('Name of the lab'),
  network: z
    .strictObject({
      cidr: ipv4Range.optional().describe('Range of the overlay; a free one is taken when left out'),
      subnetLength: z.int().min(1).max(30).default(24).describe("Prefix length of one host's subnet"),
      backend: z
        .union([backendType.transform((type) => backend.parse({ type })), backend])
        .default({ type: 'vxlan', vni: 1, port: 8472, directRouting: false })
        .describe('vxlan, udp or host-gw, by name or as an object with options'),
    })
    .prefault({}),
  underlay: z
    .strictObject({
      cidr: ipv4Range.optional().describe('Range that joins the hosts; a free one is taken when left out'),
      mtu: z.int().min(1280).max(9216).default(1500).describe('MTU of the underlay in bytes'),
    })
    .prefault({}),
  hosts: z
    .array(
      z.strictObject({
        name: shortLabel.describe('Name of the host'),
        provider: z
          .union([z.enum(['sandbox']).transform((type) => provider.parse({ type })), provider])
          .default({ type: 'sandbox' })
          .describe('How the host is made'),
      }),
    )
    .min(1, 'must have at least one host')
    .max(64, 'must have at most 64 hosts'),
  etcd: z
    .strictObject({
      members: z
        .union([z.literal(1), z.literal(3), z.literal(5)])
        .optional()
        .describe('Number of etcd members; 1 for up to two hosts, else 3, when left out'),
      tls: z.boolean().default(true).describe('mTLS between members and clients'),
    })
    .prefault({}),
  pods: z
    .array(
      z.strictObject({
        name: podName.describe('Name of the pod'),
        host: z.string().describe('Name of the host it runs on'),
        image: imageReference
          .default(builtInImage)
          .describe('Image; the built-in one serves HTTP on port 80'),
        command: z
          .array(z.string())
          .optional()
          .describe('Command and arguments; the image has its own when left out'),
        ports: z.array(port).default([80]).describe('TCP ports that the pod serves at its own address'),
        labels: labels.default({}).describe('Labels of the container'),
      }),
    )
    .default([]),
});
export type LabFile = z.infer<typeof labFile>;

/** A pod of a lab whose defaults are resolved. */
export const pod = z.object({
  name: z.string(),
  host: z.string(),
  image: z.string(),
  command: z.array(z.string()).nullable(),
  ports: z.array(port),
  labels,
});
export type Pod = z.infer<typeof pod>;

/** A host of a lab whose address on the underlay is chosen. */
export const host = z.object({ name: z.string(), address: z.string(), provider });
export type Host = z.infer<typeof host>;

/**
 * A lab with everything decided: what the plan is made from and what the state directory keeps.
 * `id` is 8 hexadecimal digits, unique on this machine; interface, namespace and machine names come from it.
 * `underlay.gateway` is this machine's own address on the underlay. `etcd.members` names hosts.
 */
export const lab = z.object({
  name: z.string(),
  id: z.string().regex(/^[0-9a-f]{8}$/),
  network: z.object({ cidr: z.string(), subnetLength: z.int(), backend }),
  underlay: z.object({ cidr: z.string(), mtu: z.int(), gateway: z.string() }),
  hosts: z.array(host),
  etcd: z.object({ members: z.array(z.string()), tls: z.boolean() }),
  pods: z.array(pod),
});
export type Lab = z.infer<typeof lab>;
