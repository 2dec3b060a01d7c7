import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabEvent, PlannedStep } from '../../../contract/event.ts';
import { failure } from '../../failure.ts';
import { linesOf } from './lines.ts';
import { type Line, lineWidth } from './text.ts';
import { drawTree } from './tree.ts';
import { advance, emptyView, type View } from './view.ts';

const start = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const lab = 'demo';

const step = (id: string, title: string, host: string | null): PlannedStep => ({
  id,
  title,
  host,
  needs: [],
  expectedSeconds: 0.5,
  deadlineSeconds: 60,
});

const planned = (hosts: number): LabEvent => ({
  type: 'planned',
  at: at(0),
  lab,
  work: 'up',
  steps: [
    step('underlay', 'underlay', null),
    ...Array.from({ length: hosts }, (_, index) => `h${index + 1}`).flatMap((host) => [
      step(`boot:${host}`, 'boot', host),
      step(`etcd:${host}`, 'etcd', host),
      step(`pod:${host}-a`, `pod ${host}-a`, host),
      step(`pod:${host}-b`, `pod ${host}-b`, host),
    ]),
    step('proof', 'proof', null),
  ],
});
const started = (id: string, seconds: number): LabEvent => ({
  type: 'step-started',
  at: at(seconds),
  lab,
  step: id,
});
const done = (id: string, seconds: number): LabEvent => ({
  type: 'step-done',
  at: at(9),
  lab,
  step: id,
  seconds,
  outcome: 'changed',
  detail: null,
});

const viewOf = (events: readonly LabEvent[]): View => events.reduce(advance, emptyView);
const textOf = (lines: readonly Line[]): string[] =>
  lines.map((parts) =>
    parts
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
const draw = (events: readonly LabEvent[], columns: number, rows: number, seconds: number) =>
  textOf(drawTree(viewOf(events), { columns, rows }, start + seconds * 1000));

describe('drawTree', () => {
  const half: LabEvent[] = [
    planned(2),
    started('underlay', 0),
    done('underlay', 0.1),
    started('boot:h1', 0.1),
    done('boot:h1', 0.6),
    started('etcd:h1', 0.7),
    { type: 'step-progress', at: at(0.8), lab, step: 'etcd:h1', message: 'waiting for\u001b[2J a quorum' },
    started('boot:h2', 0.1),
  ];

  it('shows one line a host with what is done, runs and comes', () => {
    expect(draw(half, 100, 24, 2)).toEqual([
      '⠴ bringing up demo · 2 hosts, 4 pods                                                           2.0 s',
      '  ⠴ lab  underlay 0.1  · proof                                                                 2.0 s',
      '  ⠴ h1   boot 0.6  ⠴ etcd 1.3 s waiting for[2J a quorum  · 2 pods                              1.9 s',
      '  ⠴ h2   ⠴ boot 1.9 s  · etcd · 2 pods                                                         1.9 s',
    ]);
  });

  it('says the past and the future in numbers where there is little room', () => {
    expect(draw(half, 60, 24, 2)).toEqual([
      '⠴ bringing up demo · 2 hosts, 4 pods                   2.0 s',
      '  ⠴ lab  underlay 0.1  · proof                         2.0 s',
      '  ⠴ h1   ✓ 1 done  ⠴ etcd 1.3 s waiting for[2J a q…    1.9 s',
      '  ⠴ h2   ⠴ boot 1.9 s  · etcd · 2 pods                 1.9 s',
    ]);
  });

  it('keeps the rows where something happens when not all fit', () => {
    const lines = draw([...half.map((event) => (event.type === 'planned' ? planned(20) : event))], 80, 6, 2);
    expect(lines).toHaveLength(6);
    expect(lines.join('\n')).toContain('  ⠴ h1 ');
    expect(lines.at(-1)).toBe('  … 17 waiting');
  });

  it('shows why a step failed under its host, and what is taken back', () => {
    const error = failure('docker-failed', 'Docker of h1 ended.').error;
    const lines = draw(
      [
        ...half,
        { type: 'step-log', at: at(1), lab, step: 'etcd:h1', line: 'level=error' },
        { type: 'step-failed', at: at(1), lab, step: 'etcd:h1', seconds: 1, error },
        { type: 'step-cancelled', at: at(1), lab, step: 'boot:h2', seconds: 1 },
        {
          type: 'planned',
          at: at(2),
          lab,
          work: 'down',
          steps: [step('remove-host:h1', 'remove host', 'h1')],
        },
        started('remove-host:h1', 2),
      ],
      80,
      24,
      2,
    );
    expect(lines).toEqual([
      '⠴ taking back demo · 2 hosts, 4 pods                                       2.0 s',
      '  ⠴ lab  underlay 0.1  · proof                                             2.0 s',
      '  ✗ h1   boot 0.6  ✗ etcd  · 2 pods                                        1.6 s',
      '         Docker of h1 ended.',
      '         │ level=error',
      '  ✗ h2   cancelled boot  · etcd · 2 pods                                   1.0 s',
      '  taking back',
      '  ⠴ h1  ⠴ remove host                                                      0.0 s',
    ]);
  });

  it('says how it ended', () => {
    const finished: LabEvent = {
      type: 'finished',
      at: at(4),
      lab,
      work: 'down',
      outcome: 'done',
      seconds: 0.84,
      proof: null,
      error: null,
    };
    expect(draw([finished], 40, 24, 9)).toEqual(['✓ lab demo is gone                 0.8 s']);
  });
});

const identifier = fc.constantFrom('underlay', 'boot:h1', 'etcd:h1', 'boot:h2', 'proof', 'nothing');
const anyText = fc.string({ unit: 'binary', maxLength: 60 });
const anyEvent: fc.Arbitrary<LabEvent> = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map(planned),
  identifier.map((id) => started(id, 1)),
  fc.tuple(identifier, fc.float({ min: 0, max: 1e6, noNaN: true })).map(([id, seconds]) => done(id, seconds)),
  fc
    .tuple(identifier, anyText)
    .map(([id, message]): LabEvent => ({ type: 'step-progress', at: at(1), lab, step: id, message })),
  fc
    .tuple(identifier, anyText)
    .map(([id, text]): LabEvent => ({ type: 'step-log', at: at(1), lab, step: id, line: text })),
  fc.tuple(identifier, anyText).map(
    ([id, message]): LabEvent => ({
      type: 'step-failed',
      at: at(2),
      lab,
      step: id,
      seconds: 1,
      error: failure('internal', message).error,
    }),
  ),
  identifier.map((id): LabEvent => ({ type: 'step-cancelled', at: at(2), lab, step: id, seconds: 1 })),
  anyText.map((message): LabEvent => ({ type: 'notice', at: at(2), lab, level: 'warning', message })),
  fc.constantFrom('done' as const, 'failed' as const, 'cancelled' as const).map(
    (outcome): LabEvent => ({
      type: 'finished',
      at: at(3),
      lab,
      work: 'up',
      outcome,
      seconds: 3,
      proof: null,
      error: null,
    }),
  ),
);

describe('any order of events', () => {
  it('never throws, and never draws wider or longer than the room', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 40 }),
        fc.integer({ min: 20, max: 130 }),
        fc.integer({ min: 4, max: 40 }),
        (events, columns, rows) => {
          const lines = drawTree(viewOf(events), { columns, rows }, start + 5000);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(lineWidth(line)).toBeLessThanOrEqual(columns);
          expect(textOf(lines).join('')).not.toContain('\u001b');
        },
      ),
    );
  });

  it('never throws in plain lines', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        let view = emptyView;
        for (const event of events) {
          view = advance(view, event);
          for (const line of textOf(linesOf(event, view))) expect(line).not.toContain('\u001b');
        }
      }),
    );
  });
});

describe('linesOf', () => {
  it('writes one line for a step that ended', () => {
    const events = [planned(1), started('boot:h1', 0), done('boot:h1', 0.62)];
    const view = viewOf(events);
    expect(events.flatMap((event) => textOf(linesOf(event, view)))).toEqual([
      'bringing up lab demo: 6 steps',
      '✓   0.62 s  h1   boot',
    ]);
  });
});
