import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LabSummary } from '../../contract/status.ts';
import { labOf } from '../../test/support/labs.ts';
import { generateLabFile } from './file/generate.ts';
import { lockLab } from './lock.ts';
import { createLabDirectory, labIdentifier, removeLabDirectory, writeRecord } from './state.ts';
import { watchLabs } from './watch-labs.ts';

const before = process.env['XDG_STATE_HOME'];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fl-watch-'));
  // It does not exist yet, like a new user's.
  process.env['XDG_STATE_HOME'] = join(directory, 'state');
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(directory, { recursive: true, force: true });
});

test('labs are told of as they come, work, and go, and nothing is told twice', async () => {
  const told: LabSummary[][] = [];
  const stop = new AbortController();
  const ended = watchLabs((labs) => told.push(labs), stop.signal);
  const states = () => told.map((labs) => labs.map(({ name, state }) => `${name} ${state}`).join());
  const until = (expected: string[]) =>
    vi.waitFor(() => expect(states()).toEqual(expected), { timeout: 20_000, interval: 50 });
  await until(['']);

  mkdirSync(join(directory, 'state'), { recursive: true });
  await createLabDirectory('demo');
  await until(['', 'demo half-built']);

  const lab = {
    ...labOf(generateLabFile({ hosts: 2, backend: 'udp', name: 'demo' })),
    id: labIdentifier('demo'),
  };
  const record = { lab, createdAt: new Date().toISOString(), complete: true, applied: lab, etcdStarts: {} };
  await writeRecord(record);
  await until(['', 'demo half-built', 'demo up']);
  const unlock = await lockLab('demo', lab.id, 'up');
  await until(['', 'demo half-built', 'demo up', 'demo busy']);
  await unlock();
  await until(['', 'demo half-built', 'demo up', 'demo busy', 'demo up']);
  await removeLabDirectory('demo');
  await until(['', 'demo half-built', 'demo up', 'demo busy', 'demo up', '']);
  // Long enough for two more looks: nothing has changed, so nothing is told.
  await new Promise((resolve) => setTimeout(resolve, 2300));
  expect(told).toHaveLength(6);
  stop.abort();
  await ended;
}, 60_000);
