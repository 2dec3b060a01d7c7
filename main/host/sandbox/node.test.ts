import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram, nodeProgram } from './node.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatland-node-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const program = async (...segments: string[]): Promise<string> => {
  const path = join(directory, ...segments);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
};
const electron = { execPath: '/opt/flatland/flatland', versions: { electron: '45.4.1' } };

test('under Node it is the Node that runs', () => {
  expect(nodeProgram({ execPath: '/usr/bin/node', versions: {}, env: { PATH: directory } })).toBe(
    '/usr/bin/node',
  );
});

test('under Electron it is never Electron: what the package brings, else the starter, else the PATH', async () => {
  const onPath = await program('bin', 'node');
  const env = { PATH: `relative:${join(directory, 'none')}:${join(directory, 'bin')}` };
  expect(nodeProgram({ ...electron, env })).toBe(onPath);
  const starter = await program('starter');
  expect(nodeProgram({ ...electron, env: { ...env, FLATLAND_NODE: starter } })).toBe(starter);
  const brought = await program('resources', 'node');
  const resourcesPath = join(directory, 'resources');
  expect(nodeProgram({ ...electron, resourcesPath, env: { ...env, FLATLAND_NODE: starter } })).toBe(brought);
});

test('a machine without any Node is told so', () => {
  expect(() => nodeProgram({ ...electron, env: { PATH: directory } })).toThrow(/need Node 20.19/);
});

test('a file that cannot be run is no program', async () => {
  await chmod(await program('node'), 0o644);
  expect(findProgram('node', { PATH: directory })).toBeNull();
});
