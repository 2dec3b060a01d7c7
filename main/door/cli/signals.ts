/** What the user is told when a signal comes, and what is done about it. */
export interface Interruption {
  first(): void;
  second(): void;
}

/**
 * Ctrl-C and its like ask the work to stop; a second one leaves at once. Resolves the wish of a closed terminal (SIGHUP)
 * and of the system's shutdown (SIGTERM) the same way.
 */
export function watchSignals(interruption: Interruption): {
  signal: AbortSignal;
  cancel: () => void;
  stop: () => void;
} {
  const controller = new AbortController();
  const heed = () => {
    if (controller.signal.aborted) interruption.second();
    else {
      interruption.first();
      controller.abort();
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, heed);
  return {
    signal: controller.signal,
    cancel: () => controller.abort(),
    stop: () => {
      for (const name of signals) process.off(name, heed);
    },
  };
}
