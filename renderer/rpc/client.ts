import { createTRPCClient, createWSClient, type TRPCClient, TRPCClientError, wsLink } from '@trpc/client';
import { z } from 'zod';
import { type FlatlandError, flatlandError } from '../../contract/error.ts';
import type { Procedures } from '../../main/rpc/procedures.ts';

export type Client = TRPCClient<Procedures>;

/** How the door behind the screen can be reached. */
export type DoorState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'lost'; readonly since: number };

const retryDelay = (attempt: number) => Math.min(250 * 2 ** attempt, 3000);

/** The client of the router: over IPC in the desktop app, over a WebSocket of the page's own origin in a browser. */
export function connect(
  socket: { readonly url: string; readonly WebSocket: typeof WebSocket },
  onState: (state: DoorState) => void,
): Client {
  onState({ kind: 'connecting' });
  const client = createWSClient({
    ...socket,
    retryDelayMs: retryDelay,
    keepAlive: { enabled: true, intervalMs: 3000, pongTimeoutMs: 4000 },
    onOpen: () => onState({ kind: 'open' }),
    onClose: () => onState({ kind: 'lost', since: Date.now() }),
  });
  return createTRPCClient<Procedures>({ links: [wsLink({ client })] });
}

const carried = z.object({ flatland: flatlandError });

/** The catalogue's error in whatever a call failed with. */
export function toError(thrown: unknown): FlatlandError {
  if (thrown instanceof TRPCClientError) {
    const parsed = carried.safeParse(thrown.data);
    if (parsed.success) return parsed.data.flatland;
  }
  return {
    code: 'internal',
    message: thrown instanceof Error ? thrown.message : String(thrown),
    hint: 'The call did not reach Flatland. It is tried again when you repeat it.',
  };
}
