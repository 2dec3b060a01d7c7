import { setMaxListeners } from 'node:events';
import type { FlatlandError } from '../../contract/error.ts';
import type { LabEvent, PlannedStep } from '../../contract/event.ts';
import { raceAbort } from '../abort.ts';
import { failure, toFlatlandError } from '../failure.ts';

/** What a step's work may say and must heed. `signal` fires on cancel, on another step's failure and at the deadline. */
export interface StepContext {
  readonly signal: AbortSignal;
  progress(message: string): void;
  log(line: string): void;
}

export type StepOutcome = { readonly outcome: 'changed' | 'unchanged'; readonly detail: string | null };

export interface Step extends PlannedStep {
  readonly perform: (context: StepContext) => Promise<StepOutcome>;
}

export type ScheduleOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: FlatlandError; readonly cause: unknown };

const seconds = (since: number) => Math.round((performance.now() - since) / 10) / 100;

/**
 * Runs steps side by side, each as soon as all that it needs is done. The first failure stops the rest.
 * Resolves only when no step's work is running any more, or has not heeded its signal for so many seconds.
 */
export async function runSteps(
  lab: string,
  steps: readonly Step[],
  sink: (event: LabEvent) => void,
  signal: AbortSignal,
  patienceSeconds = 15,
): Promise<ScheduleOutcome> {
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const done = new Set<string>();
  const waiting = new Set(steps);
  let outcome: ScheduleOutcome = { kind: 'done' };

  const emit = (event: LabEvent) => sink(event);
  const now = () => new Date().toISOString();

  const runOne = async (step: Step): Promise<void> => {
    const began = performance.now();
    const latest = { message: '' };
    emit({ type: 'step-started', at: now(), lab, step: step.id });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), step.deadlineSeconds * 1000);
    const signal = AbortSignal.any([all, deadline.signal]);
    // Every request of a step listens to it, and there may well be more than ten at once.
    setMaxListeners(0, signal);
    // Work that does not heed its signal must not keep everything from ending.
    const patience = new AbortController();
    const giveUp = () => setTimeout(() => patience.abort(), patienceSeconds * 1000).unref();
    signal.addEventListener('abort', giveUp, { once: true });
    const context: StepContext = {
      signal,
      progress: (message) => {
        latest.message = message;
        emit({ type: 'step-progress', at: now(), lab, step: step.id, message });
      },
      log: (line) => emit({ type: 'step-log', at: now(), lab, step: step.id, line }),
    };
    try {
      const { outcome: result, detail } = await raceAbort(step.perform(context), patience.signal);
      done.add(step.id);
      emit({
        type: 'step-done',
        at: now(),
        lab,
        step: step.id,
        seconds: seconds(began),
        outcome: result,
        detail,
      });
    } catch (thrown) {
      if (all.aborted) {
        emit({ type: 'step-cancelled', at: now(), lab, step: step.id, seconds: seconds(began) });
        return;
      }
      const late = deadline.signal.aborted && toFlatlandError(thrown).code === 'cancelled';
      const waited = latest.message === '' ? step.title : `${step.title}: ${latest.message}`;
      const error = late
        ? failure('deadline-passed', `${waited} — not finished within ${step.deadlineSeconds} s`).error
        : toFlatlandError(thrown);
      emit({ type: 'step-failed', at: now(), lab, step: step.id, seconds: seconds(began), error });
      outcome = { kind: 'failed', error, cause: thrown };
      stop.abort();
    } finally {
      clearTimeout(timer);
    }
  };

  await new Promise<void>((resolve, reject) => {
    let running = 0;
    const advance = () => {
      if (!all.aborted) {
        for (const step of waiting) {
          if (!step.needs.every((id) => done.has(id))) continue;
          waiting.delete(step);
          running += 1;
          runOne(step).then(() => {
            running -= 1;
            advance();
          }, reject);
        }
      }
      if (running > 0) return;
      if (waiting.size > 0 && !all.aborted)
        reject(new Error(`steps that can never start: ${[...waiting].map(({ id }) => id)}`));
      else resolve();
    };
    advance();
  });
  if (outcome.kind === 'done' && signal.aborted && done.size < steps.length) return { kind: 'cancelled' };
  return outcome;
}
