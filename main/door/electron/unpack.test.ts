import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unpackResources } from './unpack.ts';

let directory: string;
let resources: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatland-unpack-'));
  resources = join(directory, 'resources');
  await mkdir(join(resources, 'agent'), { recursive: true });
  await writeFile(join(resources, 'agent', 'agent.cjs'), 'agent');
  await writeFile(join(resources, 'sandbox-root.cjs'), 'root');
  await writeFile(join(resources, 'app.asar'), 'archive');
  await writeFile(join(resources, 'node'), 'program');
  await chmod(join(resources, 'node'), 0o755);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('what root and hosts run is copied once a version, and nothing else', async () => {
  const state = join(directory, 'state');
  const target = unpackResources(resources, state, '1.2.3');
  expect((await readdir(target)).sort()).toEqual(['agent', 'node', 'sandbox-root.cjs']);
  expect((await stat(join(target, 'node'))).mode & 0o777).toBe(0o755);
  await writeFile(join(resources, 'sandbox-root.cjs'), 'changed');
  expect(unpackResources(resources, state, '1.2.3')).toBe(target);
  expect(await readFile(join(target, 'sandbox-root.cjs'), 'utf8')).toBe('root');
  const next = unpackResources(resources, state, '1.2.4');
  expect(await readFile(join(next, 'sandbox-root.cjs'), 'utf8')).toBe('changed');
});

test('a copy that fails leaves nothing', async () => {
  await rm(join(resources, 'agent'), { recursive: true });
  const state = join(directory, 'state');
  expect(() => unpackResources(resources, state, '1.2.3')).toThrow();
  expect(await readdir(state)).toEqual([]);
});
