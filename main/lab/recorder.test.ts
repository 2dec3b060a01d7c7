import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProbeResult } from '../../contract/probe.ts';
import { followHistory } from './history.ts';
import { createRecorder } from './recorder.ts';
import { labDirectory } from './state.ts';

const before = process.env['XDG_STATE_HOME'];
let directory: string;
let failures: unknown[];
const recorderOf = () => createRecorder((thrown) => failures.push(thrown));

beforeEach(() => {
  failures = [];
  directory = mkdtempSync(join(tmpdir(), 'fl-recorder-'));
  process.env['XDG_STATE_HOME'] = directory;
  mkdirSync(labDirectory('demo'), { recursive: true });
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(directory, { recursive: true, force: true });
});

const base = { at: '2026-01-02T03:04:05.678Z', lab: 'demo' };
const result = (from: string, ok: boolean): ProbeResult => ({
  at: base.at,
  kind: 'ping',
  from: { kind: 'pod', name: from, host: 'h1', address: '10.0.0.1' },
  to: { kind: 'pod', name: 'z', host: 'h2', address: '10.0.1.1' },
  path: 'cross-host',
  ok,
  expected: 'an answer',
  seen: 'something',
  milliseconds: null,
});
const written = async () =>
  (await followHistory('demo')()).lines.map((line) =>
    line.kind === 'entry' ? line.entry.title : `${line.result.from.name} ${line.result.ok}`,
  );

const proveOnce = async (recorder: ReturnType<typeof recorderOf>, results: readonly ProbeResult[]) => {
  const record = recorder.work();
  record({ type: 'planned', ...base, work: 'probe', steps: [] });
  for (const each of results) record({ type: 'probed', ...base, result: each });
  record({ type: 'finished', ...base, work: 'probe', outcome: 'done', seconds: 1, proof: null, error: null });
  await recorder.settled();
};

test('a whole proof is kept, and what changed since the one before, whoever made that', async () => {
  await proveOnce(recorderOf(), [result('a', true), result('b', true)]);
  expect(await written()).toEqual(['Probing', 'a true', 'b true', 'All probes are green']);
  await proveOnce(recorderOf(), [result('a', true), result('b', false)]);
  expect((await written()).slice(4)).toEqual([
    'Probing',
    'a true',
    'b false',
    'b → z: ping red',
    'All probes are green',
  ]);
  expect(failures).toEqual([]);
});

test('of repeated probes only another verdict is kept', async () => {
  const recorder = recorderOf();
  recorder.remeasured('demo', [result('a', true), result('b', true)]);
  recorder.remeasured('demo', [result('a', true), result('b', true)]);
  recorder.remeasured('demo', [result('a', false), result('b', true)]);
  await recorder.settled();
  expect(await written()).toEqual(['a true', 'b true', 'a false', 'a → z: ping red']);
});

test('two pieces of work at once do not mix', async () => {
  const recorder = recorderOf();
  const [one, other] = [recorder.work(), recorder.work()];
  one({ type: 'planned', ...base, work: 'probe', steps: [] });
  other({ type: 'planned', ...base, work: 'image', steps: [] });
  other({ type: 'finished', ...base, work: 'image', outcome: 'done', seconds: 1, proof: null, error: null });
  one({ type: 'probed', ...base, result: result('a', false) });
  one({
    type: 'finished',
    ...base,
    work: 'probe',
    outcome: 'cancelled',
    seconds: 1,
    proof: null,
    error: null,
  });
  await recorder.settled();
  expect(await written()).toEqual([
    'Probing',
    'Loading an image',
    'The image is loaded',
    'a false',
    'a → z: ping red',
    'Probing was cancelled',
  ]);
});

test('a history that cannot be written is told to the log and to nobody else', async () => {
  mkdirSync(join(labDirectory('demo'), 'history.jsonl'));
  const recorder = recorderOf();
  await proveOnce(recorder, []);
  expect(failures.length).toBeGreaterThan(0);
  expect(failures[0]).toMatchObject({ code: 'EISDIR' });
});
