import type { ProbeSchedule } from '../../contract/live.ts';
import type { ProbeResult, ProbeSelection } from '../../contract/probe.ts';
import type { Router } from '../router.ts';

/** A round that takes longer is given up. */
const longestSeconds = 120;
/** The hosts get this much rest, however short the interval. */
const restMilliseconds = 500;

/** Probes that are repeated for as long as their lab is looked at. */
export interface Schedules {
  get(lab: string): ProbeSchedule | null;
  set(lab: string, wish: { readonly everySeconds: number; readonly selection: ProbeSelection } | null): void;
  close(): Promise<void>;
}

interface Repeated {
  readonly controller: AbortController;
  readonly running: Promise<void>;
  schedule: ProbeSchedule;
}

export function openSchedules(options: {
  readonly router: Pick<Router, 'remeasure'>;
  readonly isLookedAt: (lab: string) => boolean;
  readonly onResult: (lab: string, result: ProbeResult) => void;
  readonly onChange: (lab: string, schedule: ProbeSchedule | null) => void;
  readonly onFailure: (thrown: unknown) => void;
}): Schedules {
  const { router, isLookedAt, onResult, onChange, onFailure } = options;
  const all = new Map<string, Repeated>();

  const pause = (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(end, milliseconds);
      timer.unref();
      function end() {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      }
      signal.addEventListener('abort', end);
    });

  const repeat = async (lab: string, repeated: Repeated) => {
    const { signal } = repeated.controller;
    const { everySeconds, selection } = repeated.schedule;
    while (!signal.aborted) {
      // Nobody looks: a second is soon enough to notice that somebody does again.
      const wait = isLookedAt(lab) ? Date.parse(repeated.schedule.nextAt) - Date.now() : 1000;
      if (wait > 0) {
        await pause(wait, signal);
        continue;
      }
      const began = Date.now();
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(longestSeconds * 1000)]);
      try {
        await router.remeasure({ lab, selection }, (result) => onResult(lab, result), deadline);
      } catch (thrown) {
        if (!signal.aborted) onFailure(thrown);
      }
      if (signal.aborted) return;
      const next = Math.max(began + everySeconds * 1000, Date.now() + restMilliseconds);
      repeated.schedule = { ...repeated.schedule, nextAt: new Date(next).toISOString() };
      onChange(lab, repeated.schedule);
    }
  };

  return {
    get: (lab) => all.get(lab)?.schedule ?? null,
    set: (lab, wish) => {
      all.get(lab)?.controller.abort();
      all.delete(lab);
      if (wish !== null) {
        const repeated: Repeated = {
          controller: new AbortController(),
          schedule: { ...wish, nextAt: new Date().toISOString() },
          running: Promise.resolve().then(() => repeat(lab, repeated)),
        };
        all.set(lab, repeated);
      }
      onChange(lab, all.get(lab)?.schedule ?? null);
    },
    close: async () => {
      const running = [...all.values()];
      all.clear();
      for (const { controller } of running) controller.abort();
      await Promise.all(running.map((one) => one.running));
    },
  };
}
