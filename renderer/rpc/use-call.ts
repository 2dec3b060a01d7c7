import { useCallback, useState } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import { toError } from './client.ts';

export interface Call {
  readonly busy: boolean;
  /** What the last call failed of; null once another begins or it is dismissed. */
  readonly error: FlatlandError | null;
  /** Runs something that calls the router; resolves to false when it failed. */
  readonly run: (call: () => Promise<unknown>) => Promise<boolean>;
  readonly dismiss: () => void;
}

/** The state of a call that a button begins: its error is shown near that button. */
export function useCall(): Call {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<FlatlandError | null>(null);
  const run = useCallback(async (call: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await call();
      return true;
    } catch (thrown) {
      setError(toError(thrown));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  const dismiss = useCallback(() => setError(null), []);
  return { busy, error, run, dismiss };
}
