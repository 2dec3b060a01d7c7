/** Tells everybody who listens. */
export interface Broadcast<T> {
  send(value: T): void;
  /** Returns how to stop listening. */
  listen(listener: (value: T) => void): () => void;
}

export function broadcast<T>(): Broadcast<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    send: (value) => {
      for (const listener of [...listeners]) listener(value);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
