import fc from 'fast-check';
import type { HistoryEntry } from '../../contract/history.ts';
import type { LiveEvent } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { cellsOf, hostAt, makeLab, measure, openLab, sampleAt } from './synthetic-lab.ts';

const began = Date.parse('2026-11-25T10:00:00.000Z');
const size = { name: 'made', hosts: 3, podsPerHost: 1, backend: 'vxlan', seed: 1, network: 42 } as const;
const made = openLab(makeLab(size), 1, new Date(began).toISOString());
const cells = cellsOf(made);

const time = fc.integer({ min: 0, max: 60 }).map((seconds) => began + seconds * 1000);
const hostName = fc.constantFrom('h1', 'h2', 'h3');
const result: fc.Arbitrary<ProbeResult> = fc
  .tuple(fc.constantFrom(...cells.slice(0, 6)), time)
  .map(([cell, at]) => measure(made, cell, at));
const entry: fc.Arbitrary<HistoryEntry> = fc.tuple(fc.nat(30), time).map(([number, at]) => ({
  id: `entry-${number}-${at}`,
  at: new Date(at).toISOString(),
  subject: 'host',
  level: 'neutral',
  title: `entry ${number}`,
  detail: null,
  host: 'h1',
  pod: null,
  pair: null,
}));

/** A lab's first event, and the same for one that was made anew. */
export const labEventOf = (createdAt: string): LiveEvent => ({
  type: 'lab',
  lab: made.lab,
  state: 'up',
  createdAt,
});

export const createdAt = made.createdAt;

/** Anything that can happen in a lab but its end. */
export const liveEvents: fc.Arbitrary<LiveEvent> = fc.oneof(
  fc
    .constantFrom('up' as const, 'busy' as const, 'half-built' as const)
    .map((state): LiveEvent => ({ type: 'lab', lab: made.lab, state, createdAt })),
  fc
    .array(fc.tuple(hostName, time), { maxLength: 3 })
    .map((hosts): LiveEvent => ({ type: 'hosts', hosts: hosts.map(([name, at]) => hostAt(made, name, at)) })),
  fc.array(hostName, { maxLength: 2 }).map((names): LiveEvent => ({ type: 'hosts-removed', names })),
  fc.array(fc.tuple(hostName, time), { maxLength: 3 }).map(
    (samples): LiveEvent => ({
      type: 'samples',
      samples: samples.map(([name, at]) => sampleAt(made, name, at)),
    }),
  ),
  fc.array(result, { maxLength: 4 }).map((results): LiveEvent => ({ type: 'probes', results })),
  fc.array(entry, { maxLength: 3 }).map((entries): LiveEvent => ({ type: 'history', entries })),
);
