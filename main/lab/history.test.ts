import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { appendHistory, followHistory, type HistoryLine, toLine } from './history.ts';
import { labDirectory } from './state.ts';

const before = process.env['XDG_STATE_HOME'];
let directory: string;
const file = () => join(labDirectory('demo'), 'history.jsonl');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fl-history-'));
  process.env['XDG_STATE_HOME'] = directory;
  mkdirSync(labDirectory('demo'), { recursive: true });
});

afterEach(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(directory, { recursive: true, force: true });
});

const entry = (title: string): HistoryLine =>
  toLine({
    at: '2026-01-02T03:04:05.678Z',
    subject: 'command',
    level: 'neutral',
    title,
    detail: null,
    host: null,
    pod: null,
    pair: null,
  });
const titlesOf = (lines: readonly HistoryLine[]) =>
  lines.map((line) => (line.kind === 'entry' ? line.entry.title : line.kind));

test('what is appended is read, each line once, by all who follow', async () => {
  const [one, other] = [followHistory('demo'), followHistory('demo')];
  expect(await one()).toEqual({ fresh: false, lines: [] });
  await appendHistory('demo', [entry('first'), entry('second')]);
  expect(titlesOf((await one()).lines)).toEqual(['first', 'second']);
  await appendHistory('demo', [entry('third')]);
  expect(titlesOf((await one()).lines)).toEqual(['third']);
  expect(titlesOf((await one()).lines)).toEqual([]);
  expect(titlesOf((await other()).lines)).toEqual(['first', 'second', 'third']);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test('a torn or strange line is skipped, and costs no other one', async () => {
  const read = followHistory('demo');
  await appendHistory('demo', [entry('first')]);
  appendFileSync(file(), 'no JSON\n{"kind":"entry","entry":{}}\n{"kind":"entry","ent');
  expect(titlesOf((await read()).lines)).toEqual(['first']);
  await appendHistory('demo', [entry('second')]);
  expect(titlesOf((await read()).lines)).toEqual(['second']);
});

test('a lab that is gone stays gone', async () => {
  rmSync(labDirectory('demo'), { recursive: true });
  await appendHistory('demo', [entry('late')]);
  expect(existsSync(labDirectory('demo'))).toBe(false);
});

test('a history that is too long keeps its newest half, and who follows it sees each line once', async () => {
  const read = followHistory('demo');
  const seen: string[] = [];
  const largest = 20_000;
  for (let number = 0; number < 300; number += 1) {
    await appendHistory('demo', [entry(`${number}`)], largest);
    const { fresh, lines } = await read();
    expect(fresh).toBe(number === 0);
    seen.push(...titlesOf(lines));
    expect(statSync(file()).size).toBeLessThanOrEqual(largest);
  }
  expect(seen).toEqual(Array.from({ length: 300 }, (_, number) => `${number}`));
  const kept = titlesOf((await followHistory('demo')()).lines);
  expect(kept.at(-1)).toBe('299');
  expect(kept.length).toBeGreaterThan(30);
  expect(readFileSync(file(), 'utf8').endsWith('\n')).toBe(true);
});

test('a lab that was made anew has a history of its own', async () => {
  const read = followHistory('demo');
  await appendHistory('demo', [entry('old')]);
  await read();
  rmSync(labDirectory('demo'), { recursive: true });
  mkdirSync(labDirectory('demo'));
  await appendHistory('demo', [entry('new')]);
  expect(await read()).toMatchObject({ fresh: true, lines: [{ entry: { title: 'new' } }] });
});

test('lines of writers that write at once do not mix', async () => {
  await Promise.all(
    Array.from({ length: 40 }, (_, number) =>
      appendHistory(
        'demo',
        Array.from({ length: 5 }, () => entry(`${number} ${'x'.repeat(number * 20)}`)),
      ),
    ),
  );
  expect((await followHistory('demo')()).lines).toHaveLength(200);
});
