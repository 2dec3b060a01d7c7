import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { labFile } from '../../contract/lab.ts';
import { labOf } from '../../test/support/labs.ts';
import { completeSecrets } from './secrets.ts';
import {
  createLabDirectory,
  type LabRecord,
  labDirectory,
  labIdentifier,
  labNames,
  otherLabs,
  readRecord,
  readSecrets,
  removeLabDirectory,
  stateDirectory,
  writeRecord,
  writeSecrets,
} from './state.ts';

let directory: string;
const before = process.env['XDG_STATE_HOME'];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fl-state-'));
  process.env['XDG_STATE_HOME'] = directory;
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(directory, { recursive: true, force: true });
});

const record = (name: string): LabRecord => ({
  lab: labOf(labFile.parse({ name, hosts: [{ name: 'h1' }, { name: 'h2' }, { name: 'h3' }] })),
  createdAt: '2026-01-02T03:04:05.678Z',
  complete: false,
  applied: null,
  etcdStarts: { h1: { kind: 'new' }, h2: { kind: 'join', members: ['h1', 'h2'] } },
});

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('the state directory', () => {
  test('is where XDG says', () => {
    expect(stateDirectory({ XDG_STATE_HOME: '/x/state' })).toBe('/x/state/flatland');
  });

  test.each([undefined, '', 'relative/path'])('is in the home folder when XDG_STATE_HOME is %j', (value) => {
    const expected = join(homedir(), '.local', 'state', 'flatland');
    expect(stateDirectory(value === undefined ? {} : { XDG_STATE_HOME: value })).toBe(expected);
  });
});

test('a lab’s number is stable, its own, and of this state directory', () => {
  const demo = labIdentifier('demo');
  expect(demo).toMatch(/^[0-9a-f]{8}$/);
  expect(labIdentifier('demo')).toBe(demo);
  expect(labIdentifier('demo2')).not.toBe(demo);
  process.env['XDG_STATE_HOME'] = `${directory}-other`;
  expect(labIdentifier('demo')).not.toBe(demo);
});

test('a record is what was written, and only its owner may read it', async () => {
  await createLabDirectory('demo');
  await writeRecord(record('demo'));
  expect(await readRecord('demo')).toEqual(record('demo'));
  expect(mode(labDirectory('demo'))).toBe('700');
  expect(mode(join(labDirectory('demo'), 'lab.json'))).toBe('600');
  expect(readdirSync(labDirectory('demo'))).toEqual(['lab.json']);
});

test('secrets are what was written, and only their owner may read them, whatever the umask', async () => {
  const umask = process.umask(0);
  try {
    await createLabDirectory('demo');
    const secrets = await completeSecrets(record('demo').lab, null);
    await writeSecrets('demo', secrets);
    expect(await readSecrets('demo')).toEqual(secrets);
    expect(mode(labDirectory('demo'))).toBe('700');
    expect(mode(join(labDirectory('demo'), 'secrets.json'))).toBe('600');
  } finally {
    process.umask(umask);
  }
});

test('a write that cannot end leaves the old record', async () => {
  await createLabDirectory('demo');
  await writeRecord(record('demo'));
  // The temporary file cannot be made: its name is taken by a folder.
  const temporary = join(labDirectory('demo'), `lab.json.${process.pid}.tmp`);
  mkdirSync(temporary);
  await expect(writeRecord({ ...record('demo'), complete: true })).rejects.toThrow();
  expect((await readRecord('demo'))?.complete).toBe(false);
});

test('whoever reads while it is written sees the old or the new one', async () => {
  await createLabDirectory('demo');
  await writeRecord(record('demo'));
  let writing = true;
  const writes = (async () => {
    for (let round = 0; round < 100; round += 1)
      await writeRecord({ ...record('demo'), complete: round % 2 === 0 });
    writing = false;
  })();
  while (writing) expect(await readRecord('demo')).not.toBeNull();
  await writes;
});

test.each(['', '{', '{}', 'null', '{"lab":{"name":"demo"}}'])('a record %j tells nothing', async (text) => {
  await createLabDirectory('demo');
  writeFileSync(join(labDirectory('demo'), 'lab.json'), text);
  writeFileSync(join(labDirectory('demo'), 'secrets.json'), text);
  expect(await readRecord('demo')).toBeNull();
  expect(await readSecrets('demo')).toBeNull();
  expect(await labNames()).toEqual(['demo']);
});

test('no labs, then some, each without itself among the others', async () => {
  expect(await labNames()).toEqual([]);
  for (const name of ['second', 'first']) {
    await createLabDirectory(name);
    await writeRecord(record(name));
  }
  await createLabDirectory('torn');
  writeFileSync(join(stateDirectory(), 'labs', 'file'), '');
  expect(await labNames()).toEqual(['first', 'second', 'torn']);
  expect((await otherLabs('first')).map(({ name }) => name)).toEqual(['second']);
});

test('the last lab to be forgotten leaves nothing', async () => {
  await createLabDirectory('one');
  await createLabDirectory('two');
  await removeLabDirectory('one');
  expect(await labNames()).toEqual(['two']);
  await removeLabDirectory('two');
  await removeLabDirectory('two');
  expect(readdirSync(directory)).toEqual([]);
});

test('what else is in the state directory stays', async () => {
  await createLabDirectory('one');
  writeFileSync(join(stateDirectory(), 'other'), '');
  await removeLabDirectory('one');
  expect(readdirSync(stateDirectory())).toEqual(['other']);
});
