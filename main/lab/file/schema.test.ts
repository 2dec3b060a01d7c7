import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { arbitraryLabFile } from '../../../test/support/labs.ts';
import { formatLabFile } from './generate.ts';
import { parseLabFile } from './parse.ts';
import { labFileJsonSchema, labFileJsonSchemaText } from './schema.ts';

const labs = join(import.meta.dirname, '..', '..', '..', 'resources', 'labs');
const samples = readdirSync(labs).filter((name) => name.endsWith('.yaml'));

/** A validator made of the JSON Schema alone, as an editor has one. */
const schema = z.fromJSONSchema(labFileJsonSchema());

test('the checked-in schema is up to date (`npm run schema` writes it)', () => {
  expect(readFileSync(join(labs, 'lab.schema.json'), 'utf8')).toBe(labFileJsonSchemaText());
});

test('there are samples', () => {
  expect(samples).toContain('three-hosts.yaml');
});

test.each(samples)('%s is a lab file, names the schema, and keeps to it', (name) => {
  const text = readFileSync(join(labs, name), 'utf8');
  expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=lab.schema.json');
  expect(() => parseLabFile(name, text)).not.toThrow();
  expect(schema.safeParse(parse(text)).error?.issues).toBeUndefined();
});

test('an editor accepts what the program accepts', () => {
  fc.assert(
    fc.property(arbitraryLabFile, (file) => {
      expect(schema.safeParse(parse(formatLabFile(file))).error?.issues).toBeUndefined();
    }),
  );
});

test.each([
  { hosts: [{ name: 'h1' }] },
  { name: 'demo' },
  { name: 'demo', hosts: [] },
  { name: 'Demo', hosts: [{ name: 'h1' }] },
  { name: 'demo', hosts: [{ name: 'h1' }], netwrok: {} },
  { name: 'demo', hosts: [{ name: 'h1' }], network: { backend: 'vxlna' } },
  { name: 'demo', hosts: [{ name: 'h1' }], network: { backend: { type: 'udp', vni: 1 } } },
  { name: 'demo', hosts: [{ name: 'h1' }], etcd: { members: 2 } },
])('an editor marks %j', (value) => {
  expect(schema.safeParse(value).success).toBe(false);
});
