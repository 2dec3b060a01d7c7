import { useCallback, useMemo, useState } from 'react';
import { create } from 'zustand';
import type { FlatlandError } from '../../contract/error.ts';
import type { ProbeSelection } from '../../contract/probe.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import type { End } from './ends.ts';

/** Cells that are being measured; null as a selection means all of them. `since` is Unix ms. */
export interface Measuring {
  readonly selection: ProbeSelection | null;
  readonly since: number;
}

/** What this window asked for, by the task that does it: a task itself does not say. */
const useAsked = create<{ readonly selections: ReadonlyMap<string, ProbeSelection> }>(() => ({
  selections: new Map(),
}));

/** Everything of a lab that is being measured at this moment. */
export function useMeasuring(lab: string): readonly Measuring[] {
  const running = useStream(({ tasks }) =>
    tasks
      .filter(
        (task) =>
          task.lab === lab &&
          task.kind === 'probe' &&
          (task.state === 'running' || task.state === 'cancelling'),
      )
      .map(({ id, startedAt }) => `${id} ${startedAt}`)
      .join('\n'),
  );
  const selections = useAsked((asked) => asked.selections);
  return useMemo(
    () =>
      running === ''
        ? []
        : running.split('\n').map((line) => {
            const [id = '', startedAt = ''] = line.split(' ');
            return { selection: selections.get(id) ?? null, since: Date.parse(startedAt) };
          }),
    [running, selections],
  );
}

/** Whether a cell is waiting for its new result; `at` (Unix ms) is when it was measured last, 0 for never. */
export function isMeasured(measuring: readonly Measuring[], from: End, to: End, at: number): boolean {
  return measuring.some(({ selection, since }) => {
    if (at >= since) return false;
    if (selection === null) return true;
    const asks = selection.from === null || selection.from === from.name;
    return asks && (selection.to === null || selection.to === to.name);
  });
}

/** Begins to measure some cells; what went wrong with that stays until it is dismissed. */
export function useMeasure(lab: string): {
  readonly measure: (selection: ProbeSelection) => void;
  readonly error: FlatlandError | null;
  readonly dismiss: () => void;
} {
  const client = useClient();
  const [error, setError] = useState<FlatlandError | null>(null);
  const measure = useCallback(
    (selection: ProbeSelection) => {
      setError(null);
      client.probe.mutate({ lab, selection }).then(
        ({ task }) =>
          useAsked.setState(({ selections }) => ({
            selections: new Map([...[...selections].slice(-50), [task, selection]]),
          })),
        (thrown: unknown) => setError(toError(thrown)),
      );
    },
    [client, lab],
  );
  const dismiss = useCallback(() => setError(null), []);
  return { measure, error, dismiss };
}
