import { z } from 'zod';
import { probeKind } from './probe.ts';

/** What an entry of the history is about; the timeline has one lane for each. */
export const historySubject = z.enum([
  'work',
  'step',
  'host',
  'agent',
  'lease',
  'etcd',
  'docker',
  'pod',
  'probe',
  'command',
]);
export type HistorySubject = z.infer<typeof historySubject>;

/** Something that happened in a lab. `host`, `pod` and `pair` say where a click on it should lead. */
export const historyEntry = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  subject: historySubject,
  level: z.enum(['neutral', 'good', 'warning', 'bad']),
  title: z.string(),
  detail: z.string().nullable(),
  host: z.string().nullable(),
  pod: z.string().nullable(),
  pair: z.object({ from: z.string(), to: z.string(), kind: probeKind }).nullable(),
});
export type HistoryEntry = z.infer<typeof historyEntry>;
