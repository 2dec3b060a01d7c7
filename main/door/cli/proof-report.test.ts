import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeEnd, ProbeKind, ProbeResult } from '../../../contract/probe.ts';
import { summarise } from '../../probe/proof.ts';
import { drawProof } from './proof-report.ts';
import { lineWidth } from './text.ts';

const kinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];

/** Everything between so many hosts with so many pods each, but for what `seen` says is red. */
function resultsOf(
  hosts: number,
  pods: number,
  seen: (kind: ProbeKind, from: ProbeEnd, to: ProbeEnd) => string | null,
): ProbeResult[] {
  const hostEnds = Array.from({ length: hosts }, (_, index): ProbeEnd => {
    const name = `h${index + 1}`;
    return { kind: 'host', name, host: name, address: `10.210.0.${index + 11}` };
  });
  const podEnds = hostEnds.flatMap(({ name }, index) =>
    Array.from({ length: pods }, (_, pod): ProbeEnd => {
      const address = `10.77.${index + 1}.${pod + 2}`;
      return { kind: 'pod', name: `${name}-${'abcdefgh'[pod]}`, host: name, address };
    }),
  );
  return [...podEnds, ...hostEnds].flatMap((from) =>
    podEnds.flatMap((to) =>
      from === to
        ? []
        : kinds.map((kind): ProbeResult => {
            const wrong = seen(kind, from, to);
            const same = from.host === to.host;
            return {
              at: '2026-01-01T00:00:00.000Z',
              kind,
              from,
              to,
              path: same ? 'same-host' : 'cross-host',
              ok: wrong === null,
              expected: kind === 'mtu' ? '1450 bytes' : 'all well',
              seen: wrong ?? 'as expected',
              milliseconds: kind === 'ping' && wrong === null ? (same ? 0.05 : 0.25) : null,
            };
          }),
    ),
  );
}

const draw = (results: readonly ProbeResult[], width: number) =>
  drawProof(summarise(results, 1450), results, width).map((parts) =>
    parts
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );

describe('drawProof', () => {
  it('says that all is well in one sentence and a matrix', () => {
    expect(
      draw(
        resultsOf(2, 1, () => null),
        80,
      ),
    ).toEqual([
      '6 of 6 pairs reach each other, RTT p50 0.25 ms, MTU 1450 as expected, no NAT',
      '',
      '  ms    h1-a  h2-a',
      '  h1-a     ·  0.25',
      '  h2-a  0.25     ·',
      '  h1    0.05  0.25',
      '  h2    0.25  0.05',
    ]);
  });

  it('marks a red cell with the letters of its probes, and says what was expected and seen', () => {
    const results = resultsOf(2, 1, (kind, from, to) => {
      if (kind === 'mtu' && from.name === 'h1-a' && to.name === 'h2-a') return '1400 bytes';
      return kind === 'source' && from.name === 'h2-a' ? '10.210.0.12' : null;
    });
    expect(draw(results, 80)).toEqual([
      '4 of 6 pairs reach each other, RTT p50 0.25 ms, MTU wrong in 1, NAT in 1',
      '',
      '  ms    h1-a  h2-a',
      '  h1-a     ·     m',
      '  h2-a     s     ·',
      '  h1    0.05  0.25',
      '  h2    0.25  0.05',
      '',
      '  red: p ping  m MTU  s source  h HTTP',
      '  ✗ MTU     h1-a → h2-a  expected 1450 bytes, saw 1400 bytes',
      '  ✗ source  h2-a → h1-a  expected all well, saw 10.210.0.12',
    ]);
  });

  it('gathers many red pairs by their hosts', () => {
    const results = resultsOf(3, 2, (_, from, to) =>
      from.host === 'h2' || to.host === 'h2' ? 'no answer: host h2 lost' : null,
    );
    const lines = draw(results, 80);
    expect(lines[0]).toBe('20 of 48 pairs reach each other, RTT p50 0.25 ms, MTU 1450 as expected, no NAT');
    expect(lines.slice(-5)).toEqual([
      '  ✗ all  h1 → h2  6 pairs  no answer: host h2 lost',
      '  ✗ all  h2 → h1  6 pairs  no answer: host h2 lost',
      '  ✗ all  h2 → h2  4 pairs  no answer: host h2 lost',
      '  ✗ all  h2 → h3  6 pairs  no answer: host h2 lost',
      '  ✗ all  h3 → h2  6 pairs  no answer: host h2 lost',
    ]);
  });

  it('names what differs from pair to pair by its kind', () => {
    const results = resultsOf(2, 3, (kind, from) =>
      kind === 'source' && from.host === 'h1' ? '10.210.0.12' : null,
    ).map((result) => (result.kind === 'source' ? { ...result, expected: result.from.address } : result));
    expect(draw(results, 80).slice(-2)).toEqual([
      '  ✗ source  h1 → h1   9 pairs  expected its own address, saw 10.210.0.12',
      '  ✗ source  h1 → h2  12 pairs  expected its own address, saw 10.210.0.12',
    ]);
  });

  it('shows hosts instead of pods where pods do not fit, and one character each where hosts do not fit either', () => {
    expect(
      draw(
        resultsOf(8, 2, () => null),
        80,
      )[2],
    ).toBe('  p50 ms    h1    h2    h3    h4    h5    h6    h7    h8');
    const map = draw(
      resultsOf(20, 1, (_, from) => (from.host === 'h3' ? 'nothing' : null)),
      60,
    );
    expect(map[3]).toBe('  h1   ····················');
    expect(map[5]).toBe('  h3   ✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗');
  });

  it('never draws wider than the room', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 30, max: 130 }),
        fc.func(fc.option(fc.string({ unit: 'binary', maxLength: 80 }))),
        (hosts, pods, width, seen) => {
          const results = resultsOf(hosts, pods, (kind, from, to) => seen(kind, from.name, to.name));
          for (const line of drawProof(summarise(results, 1450), results, width)) {
            expect(lineWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
