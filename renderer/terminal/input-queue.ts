/** Input on its way to a terminal. */
export interface InputQueue {
  write(bytes: Uint8Array): void;
  /** Forgets what was not sent yet. */
  clear(): void;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/**
 * Sends input in order, one call at a time of at most `limit` bytes: what is typed while a call is on its way goes together in
 * the next one. When a call fails the rest is forgotten, since half a command is worse than none; `onFailure` gets the cause.
 */
export function createInputQueue(
  send: (bytes: Uint8Array) => Promise<unknown>,
  onFailure: (error: unknown) => void,
  limit = 512 * 1024,
): InputQueue {
  let waiting: Uint8Array[] = [];
  let sending = false;

  async function drain(): Promise<void> {
    sending = true;
    try {
      while (waiting.length > 0) {
        const all = join(waiting);
        waiting = all.length > limit ? [all.subarray(limit)] : [];
        await send(all.subarray(0, limit));
      }
    } catch (error) {
      waiting = [];
      onFailure(error);
    } finally {
      sending = false;
    }
  }

  return {
    write: (bytes) => {
      if (bytes.length === 0) return;
      waiting.push(bytes);
      if (!sending) void drain();
    },
    clear: () => {
      waiting = [];
    },
  };
}
