import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Change, openLedger, outstanding } from './ledger.ts';
import { createLabDirectory, labDirectory } from './state.ts';

const underlay: Change = { kind: 'sandbox-underlay', lab: '0123abcd' };
const host = (name: string): Change => ({ kind: 'sandbox-host', lab: '0123abcd', host: name });

let directory: string;
const before = process.env['XDG_STATE_HOME'];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fl-ledger-'));
  process.env['XDG_STATE_HOME'] = directory;
  await createLabDirectory('demo');
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(directory, { recursive: true, force: true });
});

const path = () => join(labDirectory('demo'), 'ledger.jsonl');

test('what was begun and not undone is outstanding, in its order', async () => {
  const ledger = openLedger('demo');
  expect(await ledger.outstanding()).toEqual([]);
  await ledger.begin(underlay);
  await ledger.begin(host('h1'));
  await ledger.begin(host('h2'));
  expect(await ledger.outstanding()).toEqual([underlay, host('h1'), host('h2')]);
  await ledger.undone(host('h1'));
  expect(await ledger.outstanding()).toEqual([underlay, host('h2')]);
  await ledger.begin(host('h1'));
  expect(await openLedger('demo').outstanding()).toEqual([underlay, host('h2'), host('h1')]);
});

test('the same change twice is one change', async () => {
  const ledger = openLedger('demo');
  await ledger.begin(host('h1'));
  await ledger.begin(host('h1'));
  expect(await ledger.outstanding()).toEqual([host('h1')]);
  await ledger.undone(host('h1'));
  await ledger.undone(host('h1'));
  expect(await ledger.outstanding()).toEqual([]);
});

test('nobody else may read it', async () => {
  await openLedger('demo').begin(underlay);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
});

test('lines that are no changes are passed over', () => {
  const line = (value: unknown) =>
    JSON.stringify({ at: '2026-01-02T03:04:05.678Z', act: 'begin', change: value });
  const text = [
    '',
    'nonsense',
    '{}',
    'null',
    line({ kind: 'unknown' }),
    line(host('h1')),
    '[]',
    line({ kind: 'sandbox-host' }),
  ].join('\n');
  expect(outstanding(text)).toEqual([host('h1')]);
});

test('a line that was torn takes no other with it', async () => {
  const ledger = openLedger('demo');
  await ledger.begin(underlay);
  await ledger.begin(host('h1'));
  const whole = readFileSync(path(), 'utf8');
  const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
  for (let length = last; length < whole.length; length += 7) {
    writeFileSync(path(), whole.slice(0, length));
    await ledger.begin(host('h2'));
    expect(await ledger.outstanding(), `torn at ${length}`).toEqual([underlay, host('h2')]);
  }
});

test('writes of several steps at once are all there', async () => {
  const ledger = openLedger('demo');
  const names = Array.from({ length: 20 }, (_, index) => `host${index}`);
  await Promise.all(names.map((name) => ledger.begin(host(name))));
  const found = await ledger.outstanding();
  expect(found.map((change) => (change.kind === 'sandbox-host' ? change.host : '')).sort()).toEqual(
    [...names].sort(),
  );
});

test('a ledger that cannot be read is an error: nobody may believe that there is nothing to take back', async () => {
  rmSync(labDirectory('demo'), { recursive: true });
  mkdirSync(path(), { recursive: true });
  await expect(openLedger('demo').outstanding()).rejects.toThrow();
});

test('a change is written before anything else happens, or it is an error', async () => {
  rmSync(labDirectory('demo'), { recursive: true });
  await expect(openLedger('demo').begin(underlay)).rejects.toThrow('ENOENT');
});

test('any history: outstanding is what was begun more recently than undone', async () => {
  const act = fc.tuple(fc.constantFrom('begin', 'undone'), fc.constantFrom('h1', 'h2', 'h3'));
  await fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const text = acts
        .map(
          ([kind, name]) =>
            `${JSON.stringify({ at: '2026-01-02T03:04:05Z', act: kind, change: host(name) })}\n`,
        )
        .join('');
      const expected = ['h1', 'h2', 'h3'].filter(
        (name) => acts.findLast(([, other]) => other === name)?.[0] === 'begin',
      );
      const found = outstanding(text).map((change) => (change.kind === 'sandbox-host' ? change.host : ''));
      expect([...found].sort()).toEqual(expected);
    }),
  );
});
