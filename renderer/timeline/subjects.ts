import type { HistoryEntry, HistorySubject } from '../../contract/history.ts';
import { places } from '../app/routes.ts';
import type { Health } from '../stream/verdict.ts';

/** The lanes in the order in which they are drawn: what people do, then what it is about, from the ground up. */
export const subjects: readonly { readonly subject: HistorySubject; readonly name: string }[] = [
  { subject: 'work', name: 'Work' },
  { subject: 'step', name: 'Steps' },
  { subject: 'command', name: 'Commands' },
  { subject: 'host', name: 'Hosts' },
  { subject: 'etcd', name: 'etcd' },
  { subject: 'agent', name: 'Agents' },
  { subject: 'lease', name: 'Leases' },
  { subject: 'docker', name: 'Docker' },
  { subject: 'pod', name: 'Pods' },
  { subject: 'probe', name: 'Probes' },
];

export const nameOf = (subject: HistorySubject): string =>
  subjects.find((one) => one.subject === subject)?.name ?? subject;

export const levelNames: Record<HistoryEntry['level'], string> = {
  neutral: 'Neutral',
  good: 'Good',
  warning: 'Warning',
  bad: 'Bad',
};

/** Where an entry leads; null when it is about the lab as a whole. */
export function placeOf(lab: string, { pair, pod, host }: HistoryEntry): string | null {
  if (pair !== null) return places.probes(lab, pair);
  if (pod !== null) return places.containers(lab);
  return host === null ? null : places.host(lab, host);
}

/** Health by level: a neutral entry has the colour of what is neither good nor bad. */
export const healthOf = (level: HistoryEntry['level']): Health => (level === 'neutral' ? 'stale' : level);
