import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import { type BackendType, builtInImage, type LabFile, labFile } from '../../../contract/lab.ts';
import { failure } from '../../failure.ts';

export interface LabFileSize {
  /** Number of hosts, 1 to 64. */
  readonly hosts: number;
  readonly backend: BackendType;
  readonly name?: string | undefined;
}

/**
 * Makes a lab file of so many sandbox hosts h1, h2, … with two pods each (h1-a, h1-b) that all serve port 80.
 * Throws the failure `input-invalid` when the numbers or the name do not make a lab.
 */
export function generateLabFile({ hosts, backend, name = 'flatland' }: LabFileSize): LabFile {
  const names = Array.from({ length: hosts }, (_, index) => `h${index + 1}`);
  const parsed = labFile.safeParse({
    name,
    network: { backend },
    hosts: names.map((host) => ({ name: host })),
    pods: names.flatMap((host) => ['a', 'b'].map((letter) => ({ name: `${host}-${letter}`, host }))),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw failure('input-invalid', `This makes no lab: ${issue?.path.join('.')} ${issue?.message}.`);
}

/** A part of a lab file as an author would write it: a default is left out. */
const unless = <T>(value: T, usual: unknown): T | undefined =>
  isDeepStrictEqual(value, usual) ? undefined : value;

/** A mapping without the keys that have no value; undefined when none is left. */
function mapping(entries: Record<string, unknown>): Record<string, unknown> | undefined {
  const written = Object.entries(entries).filter(([, value]) => value !== undefined);
  return written.length === 0 ? undefined : Object.fromEntries(written);
}

const comments: Record<string, string> = {
  network:
    ' The flat network of the pods: vxlan, udp or host-gw. Its range is a free one unless `cidr` names one.',
  underlay: ' The network that joins the hosts.',
  hosts: ' Each host gets Docker and an agent; etcd runs on one of two hosts, on three of more.',
  etcd: ' etcd keeps the leases of the subnets.',
  pods: ` Each pod has an address of its own; the image is ${builtInImage} (HTTP on port 80) unless \`image\` names one.`,
};

/** Writes a lab file as YAML with comments; defaults are left out but for the backend and the ports. */
export function formatLabFile(file: LabFile): string {
  const usual = labFile.parse({ name: file.name, hosts: [{ name: 'h1' }] });
  const { type } = file.network.backend;
  const plainBackend = labFile.parse({
    name: file.name,
    network: { backend: type },
    hosts: [{ name: 'h1' }],
  });
  const written = mapping({
    name: file.name,
    network: mapping({
      cidr: file.network.cidr,
      subnetLength: unless(file.network.subnetLength, usual.network.subnetLength),
      backend: isDeepStrictEqual(file.network.backend, plainBackend.network.backend)
        ? type
        : file.network.backend,
    }),
    underlay: mapping({ cidr: file.underlay.cidr, mtu: unless(file.underlay.mtu, usual.underlay.mtu) }),
    hosts: file.hosts.map(({ name, provider }) =>
      mapping({ name, provider: unless(provider, { type: 'sandbox' }) }),
    ),
    etcd: mapping({ members: file.etcd.members, tls: unless(file.etcd.tls, usual.etcd.tls) }),
    pods: file.pods.map(({ name, host, image, command, ports, labels }) =>
      mapping({ name, host, image: unless(image, builtInImage), command, ports, labels: unless(labels, {}) }),
    ),
  });
  const document = new Document(written, { aliasDuplicateObjects: false });
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items) {
      if (isScalar(key)) key.commentBefore = comments[String(key.value)] ?? null;
    }
  }
  visit(document, {
    Pair(_, { key, value }) {
      // Ports read best on one line.
      if (isScalar(key) && key.value === 'ports' && isSeq(value)) value.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
