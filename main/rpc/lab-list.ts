import { setTimeout as delay } from 'node:timers/promises';
import type { LabSummary } from '../../contract/status.ts';
import type { Router } from '../router.ts';

const retryMilliseconds = 2000;

/** The labs of this machine as they are now. */
export interface LabList {
  labs(): LabSummary[];
  /** Settles once they are known for the first time. */
  readonly known: Promise<void>;
  close(): Promise<void>;
}

/** Follows the labs until it is closed, whatever goes wrong meanwhile. */
export function openLabList(
  router: Pick<Router, 'watchLabs'>,
  onLabs: (labs: LabSummary[]) => void,
  onFailure: (thrown: unknown) => void,
): LabList {
  const controller = new AbortController();
  const { signal } = controller;
  let labs: LabSummary[] = [];
  let know = () => {};
  const known = new Promise<void>((resolve) => {
    know = resolve;
  });
  const follow = async () => {
    while (!signal.aborted) {
      try {
        await router.watchLabs((found) => {
          labs = found;
          know();
          onLabs(found);
        }, signal);
      } catch (thrown) {
        if (!signal.aborted) onFailure(thrown);
      }
      await delay(retryMilliseconds, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const following = follow();
  return {
    labs: () => labs,
    known,
    close: async () => {
      controller.abort();
      await following;
    },
  };
}
