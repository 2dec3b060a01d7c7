import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkResult } from '../../contract/request.ts';
import { labOf } from '../../test/support/labs.ts';
import { checkLabFile } from './check.ts';
import { parseLabFile } from './file/parse.ts';
import { createLabDirectory, writeRecord } from './state.ts';

const state = mkdtempSync(join(tmpdir(), 'fl-test-check-'));
const before = process.env['XDG_STATE_HOME'];
const check = async (text: string) => checkResult.parse(await checkLabFile({ path: 'lab.yaml', text }));

beforeAll(() => {
  process.env['XDG_STATE_HOME'] = state;
});
afterAll(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(state, { recursive: true });
});

test('each problem has its place, in the order of the text, a hundred at most', async () => {
  expect(await check('name: demo\nhosts: [{name: h1}, {name: h1}]\nnetwrok: {}\n')).toEqual({
    kind: 'problems',
    problems: [
      { line: 2, column: 28, message: '`hosts[1].name` `h1` is the name of a host already' },
      { line: 3, column: 1, message: 'unknown key `netwrok`, did you mean `network`?' },
    ],
  });
  expect(await check('')).toMatchObject({ kind: 'problems', problems: [{ line: 1, column: 1 }] });
  const wrong = Array.from({ length: 150 }, (_, index) => `key${index}: 1\n`).join('');
  const many = await check(`name: demo\nhosts: [{name: h1}]\n${wrong}`);
  expect(many.kind === 'problems' && many.problems.length).toBe(100);
});

test('a file that is right has a plan with its cost, or the reason why this machine cannot', async () => {
  const text = 'name: demo\nhosts: [{name: h1}]\nunderlay: {cidr: 198.18.77.0/24}\n';
  const good = await check(text);
  // A machine without the programs for sandboxes says so instead.
  if (good.kind === 'plan') expect(good.plan.steps.map(({ id }) => id)).toContain('boot:h1');
  else expect(good).toMatchObject({ kind: 'impossible', error: { code: 'package-missing' } });
  expect(good).toMatchObject({ file: { name: 'demo', underlay: { cidr: '198.18.77.0/24' } } });

  const lab = labOf(parseLabFile('other.yaml', text.replace('demo', 'other')));
  await createLabDirectory('other');
  await writeRecord({
    lab,
    createdAt: new Date().toISOString(),
    complete: true,
    applied: null,
    etcdStarts: {},
  });
  const clash = await check(text);
  expect(clash.kind).toBe('impossible');
  if (clash.kind === 'impossible' && clash.error.code !== 'package-missing') {
    expect(clash.error.code).toBe('range-clash');
    expect(clash.error.message).toContain('the underlay of lab other');
  }
});
