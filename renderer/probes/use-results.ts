import { useDebouncedValue, useThrottledValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { useView } from '../app/view.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { cellKey, type LabState } from '../stream/state.ts';

/**
 * The matrix at a moment (Unix ms; null is now). `pending`: the cursor is at another moment already, and its matrix is on its
 * way.
 */
export interface Results {
  readonly results: ReadonlyMap<string, ProbeResult>;
  readonly moment: number | null;
  readonly pending: boolean;
  readonly error: FlatlandError | null;
}

/** How often a matrix is drawn anew while results come in, in ms. */
const pace = (cells: number) => (cells > 20_000 ? 1000 : 120);

/** What the matrix shows: the latest results, or those of the moment under the cursor, which are asked for once it rests. */
export function useResults(state: LabState): Results {
  const client = useClient();
  const lab = state.lab.name;
  const cursor = useView((view) => view.cursor);
  const [settled] = useDebouncedValue(cursor, 150);
  const latest = useThrottledValue(state.probes, pace(state.probes.size));
  const second = cursor === null || settled === null ? null : Math.round(settled / 1000) * 1000;
  const { data, error, isPlaceholderData, isFetching } = useQuery({
    queryKey: ['probesAt', lab, second],
    queryFn: () => client.probesAt.query({ lab, at: new Date(second ?? 0).toISOString() }),
    enabled: second !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 120_000,
    placeholderData: keepPreviousData,
  });
  const past = useMemo(
    () => (data === undefined ? null : new Map(data.map((result) => [cellKey(result), result] as const))),
    [data],
  );
  const pending = cursor !== null && (isFetching || isPlaceholderData || settled !== cursor);
  return useMemo(() => {
    const problem = error === null || cursor === null ? null : toError(error);
    if (second === null || past === null) return { results: latest, moment: null, pending, error: problem };
    return { results: past, moment: second, pending, error: problem };
  }, [second, past, latest, pending, cursor, error]);
}
