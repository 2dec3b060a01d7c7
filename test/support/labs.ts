import fc from 'fast-check';
import { type Lab, type LabFile, labFile } from '../../contract/lab.ts';
import { resolveLab } from '../../main/lab/file/resolve.ts';

/** A host or lab name: a DNS label of 2 to 32 characters. */
const arbitraryName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}[a-z0-9]$/);

const backend = fc.oneof(
  fc.record({
    type: fc.constant('vxlan' as const),
    vni: fc.integer({ min: 1, max: 16_777_215 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    directRouting: fc.boolean(),
  }),
  fc.record({ type: fc.constant('udp' as const), port: fc.integer({ min: 1, max: 65_535 }) }),
  fc.constant({ type: 'host-gw' as const }),
);

const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '',
    'yes',
    'no',
    'null',
    '~',
    '1',
    '0x1',
    '1e3',
    '- a',
    '#',
    ': ',
    '"',
    "'",
    '{a}',
    '*a',
    '&a',
    '|',
    '>',
    '\n',
    ' x ',
    '---',
    '.nan',
    '2020-01-01',
  ),
);

/** A lab file without mistakes, small enough to be resolved. */
export const arbitraryLabFile: fc.Arbitrary<LabFile> = fc
  .record({
    name: arbitraryName,
    backend,
    subnetLength: fc.constantFrom(20, 24, 26),
    mtu: fc.integer({ min: 1280, max: 9216 }),
    hosts: fc.uniqueArray(arbitraryName, { minLength: 1, maxLength: 7 }),
    memory: fc.option(fc.integer({ min: 128, max: 4096 }), { nil: undefined }),
    members: fc.constantFrom(undefined, 1, 3, 5),
    tls: fc.boolean(),
    pods: fc.array(
      fc.record({
        host: fc.nat(6),
        image: fc.constantFrom('flatland/pod', 'nginx:1.27', 'registry.example:5000/a/b@sha256:abc'),
        command: fc.option(fc.array(word, { maxLength: 3 }), { nil: undefined }),
        ports: fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 3 }),
        labels: fc.dictionary(
          fc.string({ unit: 'grapheme-ascii', maxLength: 6 }).filter((key) => key !== '__proto__'),
          word,
          { maxKeys: 3 },
        ),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ name, backend: chosen, subnetLength, mtu, hosts, memory, members, tls, pods }) =>
    labFile.parse({
      name,
      network: { backend: chosen, subnetLength },
      underlay: { mtu },
      hosts: hosts.map((host) => ({
        name: host,
        provider: memory === undefined ? 'sandbox' : { type: 'sandbox', memory },
      })),
      etcd: { tls, ...(members === undefined || members > hosts.length ? {} : { members }) },
      pods: pods.map(({ host, command, ...pod }, index) => ({
        name: `pod--${index}`,
        host: hosts[host % hosts.length],
        ...pod,
        ...(command === undefined ? {} : { command }),
      })),
    }),
  );

/** The lab of a file on a machine where nothing is in its way. */
export const labOf = (file: LabFile, previous: Lab | null = null): Lab =>
  resolveLab({ file, id: '0123abcd', taken: [], previous });

export const arbitraryLab: fc.Arbitrary<Lab> = arbitraryLabFile.map((file) => labOf(file));
