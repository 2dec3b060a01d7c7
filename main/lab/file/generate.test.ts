import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backendType } from '../../../contract/lab.ts';
import { arbitraryLabFile } from '../../../test/support/labs.ts';
import { Failure } from '../../failure.ts';
import { checkMeaning } from './check.ts';
import { formatLabFile, generateLabFile } from './generate.ts';
import { parseLabFile } from './parse.ts';

const size = fc.record({
  hosts: fc.integer({ min: 1, max: 64 }),
  backend: fc.constantFrom(...backendType.options),
});

test('what is generated is a lab file, and written and read it is the same', () => {
  fc.assert(
    fc.property(size, (wanted) => {
      const file = generateLabFile(wanted);
      expect(file.hosts).toHaveLength(wanted.hosts);
      expect(file.pods).toHaveLength(2 * wanted.hosts);
      expect(file.network.backend.type).toBe(wanted.backend);
      expect(checkMeaning(file)).toEqual([]);
      expect(parseLabFile('generated', formatLabFile(file))).toEqual(file);
    }),
  );
});

test('any lab file, written and read, is the same', () => {
  fc.assert(
    fc.property(arbitraryLabFile, (file) => {
      expect(parseLabFile('written', formatLabFile(file))).toEqual(file);
    }),
    { numRuns: 300 },
  );
});

test('a generated file reads well', () => {
  expect(formatLabFile(generateLabFile({ hosts: 1, backend: 'udp', name: 'small' }))).toBe(`name: small
# The flat network of the pods: vxlan, udp or host-gw. Its range is a free one unless \`cidr\` names one.
network:
  backend: udp
# Each host gets Docker and an agent; etcd runs on one of two hosts, on three of more.
hosts:
  - name: h1
# Each pod has an address of its own; the image is flatland/pod (HTTP on port 80) unless \`image\` names one.
pods:
  - name: h1-a
    host: h1
    ports: [80]
  - name: h1-b
    host: h1
    ports: [80]
`);
});

test.each([
  { hosts: 0, backend: 'vxlan' as const },
  { hosts: 65, backend: 'vxlan' as const },
  { hosts: 1, backend: 'vxlan' as const, name: 'Not a label' },
  { hosts: 1, backend: 'vxlan' as const, name: 'a'.repeat(33) },
])('%j makes no lab', (wanted) => {
  try {
    generateLabFile(wanted);
    expect.unreachable();
  } catch (thrown) {
    expect(thrown instanceof Failure && thrown.error.code).toBe('input-invalid');
  }
});
