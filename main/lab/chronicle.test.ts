import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LabEvent, PlannedStep } from '../../contract/event.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import { cellOf, changedResults, commandWords, eventEntries, probeChanges } from './chronicle.ts';

const base = { at: '2026-01-02T03:04:05.678Z', lab: 'demo' };
const step: PlannedStep = {
  id: 'boot:h1',
  title: 'boot',
  host: 'h1',
  needs: [],
  expectedSeconds: 1,
  deadlineSeconds: 2,
};
const plan = new Map([[step.id, step]]);
const titles = (event: LabEvent) => eventEntries(event, plan).map(({ level, title }) => `${level}: ${title}`);

describe('an event of long work', () => {
  test('its beginning and its end are told of', () => {
    expect(titles({ type: 'planned', ...base, work: 'up', steps: [step] })).toEqual([
      'neutral: Bringing the lab up',
    ]);
    const proof = { pairs: 6, greenPairs: 5, cells: 24, greenCells: 20, mtu: 1450, rttMilliseconds: 0.1 };
    const error = failure('proof-red', '4 of 24 probes are red.').error;
    const [end] = eventEntries(
      { type: 'finished', ...base, work: 'probe', outcome: 'failed', seconds: 1.234, proof, error },
      plan,
    );
    expect(end).toMatchObject({
      level: 'bad',
      subject: 'work',
      detail: '5 of 6 pairs reach each other, 4 of 24 probes are red., 1.2 s',
    });
  });

  test('a step is told of with its host, unless it changed nothing', () => {
    const done = { type: 'step-done', ...base, step: step.id, seconds: 0.52, detail: null } as const;
    expect(eventEntries({ ...done, outcome: 'changed' }, plan)).toMatchObject([
      { subject: 'step', title: 'Boot on h1', detail: '0.5 s', host: 'h1' },
    ]);
    expect(titles({ ...done, outcome: 'unchanged' })).toEqual([]);
    const error = failure('host-silent', 'h1 did not answer.').error;
    expect(titles({ type: 'step-failed', ...base, step: step.id, seconds: 1, error })).toEqual([
      'bad: Boot on h1 failed',
    ]);
    expect(
      titles({ type: 'step-done', ...base, step: 'x', seconds: 1, outcome: 'changed', detail: null }),
    ).toEqual(['neutral: X']);
  });

  test('words on the way are not told of', () => {
    expect(titles({ type: 'step-log', ...base, step: step.id, line: 'a key perhaps' })).toEqual([]);
    expect(titles({ type: 'notice', ...base, level: 'info', message: 'by the way' })).toEqual([]);
    expect(titles({ type: 'notice', ...base, level: 'warning', message: 'mind this' })).toEqual([
      'warning: mind this',
    ]);
  });
});

const result = (from: string, to: string, kind: ProbeResult['kind'], ok: boolean): ProbeResult => ({
  at: base.at,
  kind,
  from: { kind: 'pod', name: from, host: `host-of-${from}`, address: '10.0.0.1' },
  to: { kind: 'pod', name: to, host: `host-of-${to}`, address: '10.0.1.1' },
  path: 'cross-host',
  ok,
  expected: 'an answer',
  seen: ok ? '0.1 ms' : 'nothing',
  milliseconds: ok ? 0.1 : null,
});
const known = (...results: ProbeResult[]) => new Map(results.map((each) => [cellOf(each), each]));

describe('what a probe found', () => {
  test('is news when the cell was otherwise before; a pair is told of once', () => {
    const before = known(
      result('a', 'b', 'ping', true),
      result('a', 'b', 'mtu', true),
      result('b', 'a', 'ping', false),
    );
    const after = [
      result('a', 'b', 'ping', false),
      result('a', 'b', 'mtu', false),
      result('b', 'a', 'ping', true),
      result('c', 'a', 'ping', true),
      result('c', 'b', 'http', false),
    ];
    expect(probeChanges(before, after).map(({ level, title }) => `${level}: ${title}`)).toEqual([
      'bad: a → b: ping, mtu red',
      'good: b → a: ping green again',
      'bad: c → b: http red',
    ]);
    expect(probeChanges(before, after)[0]).toMatchObject({
      host: 'host-of-a',
      pod: 'a',
      pair: { from: 'a', to: 'b', kind: 'ping' },
      detail: 'expected an answer, saw nothing',
    });
    expect(changedResults(before, after)).toHaveLength(5);
  });

  test('is no news when all is as it was', () => {
    const results = [result('a', 'b', 'ping', true), result('a', 'b', 'http', false)];
    expect(probeChanges(known(...results), results)).toEqual([]);
    expect(changedResults(known(...results), results)).toEqual([]);
  });
});

describe('the words of a command', () => {
  test.each([
    [['docker', 'ps'], 'docker ps'],
    [['docker', 'run', '-e', 'PASSWORD=hunter2', 'nginx'], 'docker run …'],
    [['mysql', '-phunter2'], 'mysql …'],
    [['curl', 'https://me:hunter2@example'], 'curl …'],
    [['env', 'TOKEN=hunter2', 'true'], 'env …'],
    [['sh', '-c', 'echo hunter2'], 'sh …'],
    [['ls', '/etc', 'a', 'b'], 'ls /etc a …'],
    [['two words'], '…'],
    [[], ''],
  ])('of %j are %j', (argv, words) => {
    expect(commandWords(argv)).toBe(words);
  });

  test('hold no option, variable, address or quoted text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (argv) => {
        expect(commandWords(argv)).toMatch(/^([A-Za-z0-9_./][\w./-]*( |$)){0,3}…?$/);
      }),
    );
  });
});
