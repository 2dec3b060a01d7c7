import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type LiveEvent, liveLab } from '../../contract/live.ts';
import { createdAt, labEventOf, liveEvents } from '../../test/support/synthetic-events.ts';
import { cellsOf, makeLab, measure, openLab, sampleAt } from '../../test/support/synthetic-lab.ts';
import { cellKey, liveState } from './live-state.ts';
import { coalesce } from './pending.ts';

// Half of these make tens of thousands of values, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const begun = (events: readonly LiveEvent[] = []) => {
  const state = liveState();
  for (const event of [labEventOf(createdAt), ...events]) state.apply(event);
  return state;
};

const lab = openLab(
  makeLab({ name: 'made', hosts: 2, podsPerHost: 1, backend: 'vxlan', seed: 1, network: 42 }),
  1,
  createdAt,
);
const [cell] = cellsOf(lab);
if (cell === undefined) throw new Error('a lab of two pods has cells');
const measured = measure(lab, cell, 0);
const resultAt = (at: number) => ({ ...measured, at: new Date(at).toISOString() });

describe('coalesced events', () => {
  it('make the same lab as one by one, however they are cut into batches', () => {
    fc.assert(
      fc.property(fc.array(fc.array(liveEvents, { maxLength: 8 }), { maxLength: 6 }), (batches) => {
        const oneByOne = begun(batches.flat());
        const coalesced = begun();
        for (const batch of batches) {
          const pending = coalesce();
          for (const event of batch) pending.add(event);
          for (const event of pending.take()) coalesced.apply(event);
          expect(pending.isEmpty()).toBe(true);
        }
        expect(coalesced.snapshot()).toEqual(oneByOne.snapshot());
      }),
    );
  });

  it('hold no more than one value a host and cell', () => {
    const pending = coalesce();
    for (let index = 0; index < 1000; index += 1)
      pending.add({ type: 'probes', results: [resultAt(1_000_000 + index)] });
    expect(pending.size()).toBe(1);
    expect(pending.take()).toEqual([{ type: 'probes', results: [resultAt(1_000_999)] }]);
  });

  it('forget what was before the end of a lab', () => {
    const pending = coalesce();
    pending.add({ type: 'probes', results: [resultAt(0)] });
    pending.add({ type: 'gone' });
    expect(pending.take()).toEqual([{ type: 'gone' }]);
  });
});

describe('the state of a watched lab', () => {
  it('is told by a snapshot that parses, whatever happened', () => {
    fc.assert(
      fc.property(fc.array(liveEvents, { maxLength: 12 }), (events) => {
        expect(() => liveLab.parse(begun(events).snapshot())).not.toThrow();
      }),
    );
  });

  it('takes nothing in twice: what the router tells again is no news', () => {
    fc.assert(
      fc.property(fc.array(liveEvents, { maxLength: 12 }), (events) => {
        const kept = events.filter(({ type }) => type !== 'hosts-removed');
        const state = begun(kept);
        const before = state.snapshot();
        for (const event of kept)
          if (event.type === 'samples' || event.type === 'history') expect(state.apply(event)).toBeNull();
        expect(state.snapshot()).toEqual(before);
      }),
    );
  });

  it('is empty before the first event, after the last one, and for a lab that was made anew', () => {
    const state = liveState();
    expect(state.snapshot()).toBeNull();
    state.apply(labEventOf(createdAt));
    state.apply({ type: 'probes', results: [resultAt(0)] });
    state.apply(labEventOf('2027-01-01T00:00:00.000Z'));
    expect(state.snapshot()?.probes).toEqual([]);
    state.apply({ type: 'gone' });
    expect(state.snapshot()).toBeNull();
  });

  it('keeps the later one of two results of a cell, in whichever order they come', () => {
    const state = begun([
      { type: 'probes', results: [resultAt(2000)] },
      { type: 'probes', results: [resultAt(1000)] },
    ]);
    expect(state.snapshot()?.probes).toEqual([resultAt(2000)]);
  });

  it('knows the matrix of any moment, also where its log was cut', () => {
    const state = begun();
    const start = Date.parse(createdAt);
    for (let index = 0; index < 60_000; index += 1)
      state.apply({ type: 'probes', results: [resultAt(start + index * 10)] });
    const at = (time: number) => state.probesAt(new Date(time).toISOString());
    expect(at(start - 1)).toEqual([]);
    expect(at(start + 599_995)).toEqual([resultAt(start + 599_990)]);
    expect(at(start + 300_005)).toEqual([resultAt(start + 300_000)]);
    // Before the log begins only the last result that was cut off is known.
    expect(at(start + 10).map(cellKey).length).toBeLessThanOrEqual(1);
  });

  it('stays within its bounds', () => {
    const state = begun();
    const start = Date.parse(createdAt);
    for (let index = 0; index < 3000; index += 1)
      state.apply({ type: 'samples', samples: [sampleAt(lab, 'h1', start + index * 2000)] });
    for (let index = 0; index < 25_000; index += 1) {
      const at = new Date(start + index).toISOString();
      const entry = {
        subject: 'host',
        level: 'neutral',
        title: 'x',
        detail: null,
        host: null,
        pod: null,
      } as const;
      state.apply({ type: 'history', entries: [{ ...entry, id: `${index}`, at, pair: null }] });
    }
    const snapshot = state.snapshot();
    expect(snapshot?.samples).toHaveLength(900);
    expect(snapshot?.samples.at(-1)?.at).toBe(start + 2999 * 2000);
    expect(snapshot?.history).toHaveLength(10_000);
    expect(snapshot?.history.at(-1)?.id).toBe('24999');
  });

  it('has its history in order of time, whoever wrote it', () => {
    fc.assert(
      fc.property(fc.array(liveEvents, { maxLength: 20 }), (events) => {
        const times =
          begun(events)
            .snapshot()
            ?.history.map(({ at }) => at) ?? [];
        expect(times).toEqual([...times].sort());
      }),
    );
  });
});
