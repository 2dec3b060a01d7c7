import type { LabEvent, PlannedStep } from '../../contract/event.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { cellOf, changedResults, eventEntries, probeChanges } from './chronicle.ts';
import { appendHistory, followHistory, type HistoryDraft, type HistoryLine, toLine } from './history.ts';

/** Writes what a process does in labs into their histories. Nothing of it rejects: what failed goes to the log. */
export interface Recorder {
  /** Takes in the events of one piece of long work, in order. */
  work(): (event: LabEvent) => void;
  /** Results of probes that are repeated: only those that are another verdict than the last are kept. */
  remeasured(lab: string, results: readonly ProbeResult[]): void;
  entries(lab: string, drafts: readonly HistoryDraft[]): void;
  /** Resolves when all that was given is written, or could not be. */
  settled(): Promise<void>;
}

/** Results are written together, as they come by the hundred. */
const gatherMilliseconds = 250;

const resultLine = (result: ProbeResult): HistoryLine => ({ kind: 'probe', result });

/** The history of one lab as this process writes it, in order. */
function openChronicle(lab: string, onFailure: (thrown: unknown) => void) {
  const read = followHistory(lab);
  const cells = new Map<string, ProbeResult>();
  let queue: Promise<void> = Promise.resolve();
  return {
    write(produce: () => readonly HistoryLine[] | Promise<readonly HistoryLine[]>) {
      queue = queue.then(async () => appendHistory(lab, await produce())).catch(onFailure);
    },
    /** The last result of each cell, whoever measured it. */
    async known(): Promise<ReadonlyMap<string, ProbeResult>> {
      const { fresh, lines } = await read();
      if (fresh) cells.clear();
      for (const line of lines) if (line.kind === 'probe') cells.set(cellOf(line.result), line.result);
      return cells;
    },
    settled: () => queue,
  };
}
type Chronicle = ReturnType<typeof openChronicle>;

/** One piece of long work on its way into a history. */
function recordWork(of: (lab: string) => Chronicle): (event: LabEvent) => void {
  const plan = new Map<string, PlannedStep>();
  const changes: HistoryDraft[] = [];
  let begun = false;
  let gathered: ProbeResult[] = [];
  let timer: NodeJS.Timeout | null = null;

  const flush = (chronicle: Chronicle) => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const results = gathered;
    gathered = [];
    if (results.length === 0) return;
    chronicle.write(async () => {
      changes.push(...probeChanges(await chronicle.known(), results));
      return results.map(resultLine);
    });
  };

  return (event) => {
    const chronicle = of(event.lab);
    if (event.type === 'probed') {
      gathered.push(event.result);
      timer ??= setTimeout(() => flush(chronicle), gatherMilliseconds);
      return;
    }
    if (event.type === 'planned') {
      for (const step of event.steps) plan.set(step.id, step);
      // Work may take something back before it goes on: that is no beginning of its own.
      if (begun) return;
      begun = true;
    }
    if (event.type === 'finished') {
      flush(chronicle);
      // Only once all is measured, so that a pair is told of once.
      chronicle.write(() => changes.map(toLine));
    }
    const entries = eventEntries(event, plan);
    if (entries.length > 0) chronicle.write(() => entries.map(toLine));
  };
}

export function createRecorder(onFailure: (thrown: unknown) => void): Recorder {
  const chronicles = new Map<string, Chronicle>();
  const of = (lab: string): Chronicle => {
    const chronicle = chronicles.get(lab) ?? openChronicle(lab, onFailure);
    chronicles.set(lab, chronicle);
    return chronicle;
  };
  return {
    work: () => recordWork(of),
    remeasured: (lab, results) => {
      if (results.length === 0) return;
      const chronicle = of(lab);
      chronicle.write(async () => {
        const before = await chronicle.known();
        return [
          ...changedResults(before, results).map(resultLine),
          ...probeChanges(before, results).map(toLine),
        ];
      });
    },
    entries: (lab, drafts) => {
      if (drafts.length > 0) of(lab).write(() => drafts.map(toLine));
    },
    settled: async () => {
      await Promise.all([...chronicles.values()].map((chronicle) => chronicle.settled()));
    },
  };
}
