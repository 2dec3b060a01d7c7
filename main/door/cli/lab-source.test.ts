import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Failure } from '../../failure.ts';
import { readLabFile, readSource } from './lab-source.ts';

const directory = mkdtempSync(join(tmpdir(), 'fl-test-source-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const nothing = { file: undefined, hosts: undefined, backend: undefined, name: undefined };

async function problem(promise: Promise<unknown>): Promise<[string, string]> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Failure)) throw new Error(`not a failure: ${String(thrown)}`);
  return [thrown.error.code, thrown.error.message];
}

describe('a lab file', () => {
  it('is read as text', async () => {
    expect(await readLabFile(write('good.yaml', 'name: x\n'))).toBe('name: x\n');
  });

  it.each([
    ['does not exist', () => join(directory, 'none.yaml')],
    ['is a directory; name a lab file in it', () => directory],
    ['is too large: a lab file has at most 1 MiB', () => write('large.yaml', 'x'.repeat(1024 * 1024 + 1))],
    ['is not UTF-8 text', () => write('binary.yaml', Uint8Array.of(0xff, 0xfe, 0x00))],
    ['is too large: a lab file has at most 1 MiB', () => '/dev/zero'],
  ])('%s', async (reason, make) => {
    const path = make();
    expect(await problem(readLabFile(path))).toEqual(['lab-file-invalid', `${path} ${reason}.`]);
  });
});

describe('what up is asked for', () => {
  const usual = write('usual.yaml', 'name: usual\n');

  it('is the usual file when nothing is named', async () => {
    expect(await readSource({ ...nothing, name: 'other' }, usual)).toEqual({
      kind: 'file',
      path: usual,
      text: 'name: usual\n',
      name: 'other',
    });
  });

  it('is generated from numbers', async () => {
    expect(await readSource({ ...nothing, backend: 'udp' }, usual)).toEqual({
      kind: 'generated',
      hosts: 3,
      backend: 'udp',
    });
    expect(await readSource({ ...nothing, hosts: 5 }, usual)).toEqual({
      kind: 'generated',
      hosts: 5,
      backend: 'vxlan',
    });
  });

  it('is not both', async () => {
    expect(await problem(readSource({ ...nothing, file: usual, hosts: 2 }, usual))).toEqual([
      'input-invalid',
      'A lab file and --hosts or --backend cannot be given together.',
    ]);
  });

  it('has a name that can be one', async () => {
    expect(await problem(readSource({ ...nothing, name: 'Lab' }, usual))).toEqual([
      'input-invalid',
      '--name "Lab" must be a DNS label: a-z, 0-9 and inner hyphens, at most 63 characters.',
    ]);
    expect((await problem(readSource({ ...nothing, name: 'x'.repeat(33) }, usual)))[1]).toContain(
      'at most 32',
    );
  });
});
