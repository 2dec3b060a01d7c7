import type { LiveEvent } from '../../contract/live.ts';
import type { LabSummary } from '../../contract/status.ts';
import { toFlatlandError } from '../failure.ts';
import type { Router } from '../router.ts';
import { type LiveState, liveState } from './live-state.ts';

const lingerMilliseconds = 30_000;
const retryMilliseconds = 2000;
/** A lab that does not exist is asked for again when the list has it, and now and then all the same. */
const absentMilliseconds = 15_000;

/** The labs that screens look at: each is watched once, however many screens there are. */
export interface LiveLabs {
  /** Keeps a lab watched until the returned function is called, and half a minute longer. */
  hold(lab: string): () => void;
  /** What is known of a lab that is held. */
  state(lab: string): LiveState | null;
  /** Settles once a held lab is known, or known not to exist, or could not be asked. */
  settled(lab: string): Promise<void>;
  /** Whether a screen looks at it right now. */
  isLookedAt(lab: string): boolean;
  /** Adds what is known from elsewhere, such as a probe's result; nothing happens for a lab that is not held. */
  note(lab: string, event: LiveEvent): void;
  /** Says which labs there are, so that a lab that appeared is found at once. */
  labsChanged(labs: readonly LabSummary[]): void;
  close(): Promise<void>;
}

interface Watched {
  readonly state: LiveState;
  readonly controller: AbortController;
  readonly settled: Promise<void>;
  readonly following: Promise<void>;
  screens: number;
  linger: NodeJS.Timeout | null;
  /** Ends the pause before the next attempt. */
  wake: () => void;
  absent: boolean;
}

export function openLiveLabs(options: {
  readonly router: Pick<Router, 'watch'>;
  /** Something new about a lab. */
  readonly onEvent: (lab: string, event: LiveEvent) => void;
  /** A lab became known, for the first time or anew: all that was told of it before is void. */
  readonly onKnown: (lab: string) => void;
  readonly onFailure: (thrown: unknown) => void;
}): LiveLabs {
  const { router, onEvent, onKnown, onFailure } = options;
  const all = new Map<string, Watched>();

  const take = (name: string, state: LiveState, event: LiveEvent) => {
    const before = state.createdAt();
    const news = state.apply(event);
    if (event.type === 'lab' && before !== event.createdAt) onKnown(name);
    else if (news !== null) onEvent(name, news);
  };

  const pause = (watched: Watched, milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => resolve(), milliseconds);
      timer.unref();
      watched.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const follow = async (name: string, watched: Watched, settle: () => void) => {
    const { signal } = watched.controller;
    while (!signal.aborted) {
      let gone = false;
      try {
        await router.watch(
          { lab: name },
          (event) => {
            if (signal.aborted) return;
            watched.absent = false;
            gone ||= event.type === 'gone';
            take(name, watched.state, event);
            if (event.type === 'lab') settle();
          },
          signal,
        );
      } catch (thrown) {
        if (signal.aborted) break;
        gone = toFlatlandError(thrown).code === 'lab-unknown';
        if (!gone) onFailure(thrown);
        else if (watched.state.createdAt() !== null) take(name, watched.state, { type: 'gone' });
      }
      settle();
      watched.absent = gone;
      if (!signal.aborted) await pause(watched, gone ? absentMilliseconds : retryMilliseconds);
    }
    settle();
  };

  const start = (name: string): Watched => {
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const watched: Watched = {
      state: liveState(),
      controller: new AbortController(),
      settled,
      screens: 0,
      linger: null,
      wake: () => {},
      absent: false,
      // Later, so that it finds itself among the others.
      following: Promise.resolve().then(() => follow(name, watched, settle)),
    };
    all.set(name, watched);
    return watched;
  };

  const end = async (name: string, watched: Watched) => {
    if (watched.linger !== null) clearTimeout(watched.linger);
    if (all.get(name) === watched) all.delete(name);
    watched.controller.abort();
    watched.wake();
    await watched.following;
  };

  return {
    hold: (name) => {
      const watched = all.get(name) ?? start(name);
      watched.screens += 1;
      if (watched.linger !== null) clearTimeout(watched.linger);
      watched.linger = null;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        watched.screens -= 1;
        if (watched.screens > 0) return;
        watched.linger = setTimeout(() => void end(name, watched).catch(onFailure), lingerMilliseconds);
        watched.linger.unref();
      };
    },
    state: (name) => all.get(name)?.state ?? null,
    settled: async (name) => all.get(name)?.settled,
    isLookedAt: (name) => (all.get(name)?.screens ?? 0) > 0,
    note: (name, event) => {
      const watched = all.get(name);
      if (watched !== undefined && watched.state.createdAt() !== null) take(name, watched.state, event);
    },
    labsChanged: (labs) => {
      for (const [name, watched] of all)
        if (watched.absent && labs.some((lab) => lab.name === name)) watched.wake();
    },
    close: async () => {
      await Promise.all([...all].map(([name, watched]) => end(name, watched)));
    },
  };
}
