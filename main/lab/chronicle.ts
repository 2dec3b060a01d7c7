import type { LabEvent, PlannedStep, WorkKind } from '../../contract/event.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { HistoryDraft } from './history.ts';

const words: Record<WorkKind, { begins: string; done: string; failed: string; cancelled: string }> = {
  up: {
    begins: 'Bringing the lab up',
    done: 'The lab is up',
    failed: 'The lab did not come up',
    cancelled: 'Bringing the lab up was cancelled',
  },
  down: {
    begins: 'Taking the lab down',
    done: 'The lab is down',
    failed: 'The lab was not taken down',
    cancelled: 'Taking the lab down was cancelled',
  },
  probe: {
    begins: 'Probing',
    done: 'All probes are green',
    failed: 'Probes failed',
    cancelled: 'Probing was cancelled',
  },
  image: {
    begins: 'Loading an image',
    done: 'The image is loaded',
    failed: 'The image was not loaded',
    cancelled: 'Loading the image was cancelled',
  },
  host: {
    begins: 'Switching a host off',
    done: 'The host is off',
    failed: 'The host was not switched off',
    cancelled: 'Switching the host off was cancelled',
  },
};

const place = { host: null, pod: null, pair: null };

const inSeconds = (seconds: number) => `${Math.round(seconds * 10) / 10} s`;

/** etcd keeps its own spelling. */
const sentence = (text: string) =>
  text.startsWith('etcd') ? text : text.charAt(0).toUpperCase() + text.slice(1);

const joined = (parts: readonly (string | null)[]) =>
  parts.filter((part) => part !== null && part !== '').join(', ');

/**
 * What an event of long work means for the history. Steps that changed nothing and words on the way mean nothing to it;
 * probes are told of when they change (`probeChanges`). `plan` has the steps that the work has planned. Pure.
 */
export function eventEntries(event: LabEvent, plan: ReadonlyMap<string, PlannedStep>): HistoryDraft[] {
  const { at } = event;
  switch (event.type) {
    case 'planned': {
      const count = event.steps.length;
      const detail = count === 0 ? null : `${count} ${count === 1 ? 'step' : 'steps'}`;
      const title = words[event.work].begins;
      return [{ ...place, at, subject: 'work', level: 'neutral', title, detail }];
    }
    case 'step-done':
    case 'step-failed': {
      const step = plan.get(event.step);
      const what = sentence(step?.title ?? event.step);
      const host = step?.host ?? null;
      const title = host === null ? what : `${what} on ${host}`;
      if (event.type === 'step-failed') {
        const detail = event.error.message;
        return [{ ...place, at, subject: 'step', level: 'bad', title: `${title} failed`, detail, host }];
      }
      if (event.outcome === 'unchanged') return [];
      const detail = joined([event.detail, inSeconds(event.seconds)]);
      return [{ ...place, at, subject: 'step', level: 'neutral', title, detail, host }];
    }
    case 'notice':
      if (event.level === 'info') return [];
      return [{ ...place, at, subject: 'work', level: 'warning', title: event.message, detail: null }];
    case 'finished': {
      const { outcome, proof, error } = event;
      const title = words[event.work][outcome];
      const level = { done: 'good', failed: 'bad', cancelled: 'warning' } as const;
      const pairs = proof === null ? null : `${proof.greenPairs} of ${proof.pairs} pairs reach each other`;
      const detail = joined([
        pairs,
        outcome === 'failed' ? (error?.message ?? null) : null,
        inSeconds(event.seconds),
      ]);
      return [{ ...place, at, subject: 'work', level: level[outcome], title, detail }];
    }
    case 'step-started':
    case 'step-progress':
    case 'step-log':
    case 'step-cancelled':
    case 'probed':
      return [];
  }
}

/** The key of a cell of the matrix: one kind of probe for one ordered pair. */
export const cellOf = ({ kind, from, to }: ProbeResult): string =>
  `${kind} ${from.kind} ${from.name} ${to.kind} ${to.name}`;

/** Results whose verdict is another than the last one of their cell, or the first. Pure. */
export const changedResults = (
  before: ReadonlyMap<string, ProbeResult>,
  results: readonly ProbeResult[],
): ProbeResult[] => results.filter((result) => before.get(cellOf(result))?.ok !== result.ok);

/**
 * What turned red, and what turned green again, one entry for each ordered pair. A cell that is green at its first look is
 * no news. Pure.
 */
export function probeChanges(
  before: ReadonlyMap<string, ProbeResult>,
  results: readonly ProbeResult[],
): HistoryDraft[] {
  const news = changedResults(before, results).filter((result) => before.has(cellOf(result)) || !result.ok);
  const groups = new Map<string, ProbeResult[]>();
  for (const result of news) {
    const key = `${result.from.kind} ${result.from.name} ${result.to.name} ${result.ok}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const kinds = group.map(({ kind }) => kind).join(', ');
    const turned = first.ok ? 'green again' : 'red';
    return [
      {
        at: first.at,
        subject: 'probe' as const,
        level: first.ok ? ('good' as const) : ('bad' as const),
        title: `${first.from.name} → ${first.to.name}: ${kinds} ${turned}`,
        detail: first.ok ? first.seen : `expected ${first.expected}, saw ${first.seen}`,
        host: first.from.host,
        pod: first.from.kind === 'pod' ? first.from.name : null,
        pair: { from: first.from.name, to: first.to.name, kind: first.kind },
      },
    ];
  });
}

/**
 * The first words of a command, as far as they cannot be a secret: its program and plain words after it, three at most.
 * An option, a variable or an address ends them, as what follows may be a password. Pure.
 */
export function commandWords(argv: readonly string[]): string {
  const count = argv.findIndex((word, index) => index === 3 || !/^[A-Za-z0-9_./][\w./-]{0,39}$/.test(word));
  const plain = count < 0 ? argv : argv.slice(0, count);
  const more = plain.length < argv.length ? '…' : '';
  return [...plain, ...(more === '' ? [] : [more])].join(' ');
}
