import { z } from 'zod';

/** What the menu of the desktop app asks the screen of its window to do. */
export const desktopCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('new-lab') }),
  z.object({ type: z.literal('export') }),
  z.object({ type: z.literal('palette') }),
  z.object({ type: z.literal('presenter') }),
  z.object({ type: z.literal('shortcuts') }),
  z.object({ type: z.literal('theme'), theme: z.enum(['light', 'dark', 'auto']) }),
  z.object({ type: z.literal('go'), to: z.enum(['labs', 'back', 'forward']) }),
  z.object({ type: z.literal('open-lab'), lab: z.string() }),
]);
export type DesktopCommand = z.infer<typeof desktopCommand>;

const connection = z.int().min(1);

/** From a screen to the desktop app: a socket of its own, over which the router is called. Text is at most 4 Mi characters. */
export const socketRequest = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('open'), connection }),
  z.strictObject({ type: z.literal('text'), connection, text: z.string().max(4 * 1024 * 1024) }),
  z.strictObject({ type: z.literal('close'), connection }),
]);
export type SocketRequest = z.infer<typeof socketRequest>;

/** From the desktop app to a screen, about the socket that it opened. */
export type SocketAnswer =
  | { readonly type: 'opened'; readonly connection: number }
  | { readonly type: 'text'; readonly connection: number; readonly text: string }
  | { readonly type: 'closed'; readonly connection: number };

/** All that a screen in the desktop app has beyond a browser's, as `window.flatland`. */
export interface DesktopBridge {
  /** As Node names it: `linux`, `darwin` or `win32`. */
  readonly platform: string;
  /** Opens the socket to the router; an earlier one of this window is closed. */
  connect(listener: { opened(): void; text(text: string): void; closed(): void }): {
    send(text: string): void;
    close(): void;
  };
  /** Commands of the menu and of deep links; what came before somebody listened is told first. Returns how to stop. */
  onCommand(listener: (command: unknown) => void): () => void;
  /** Tells the window which theme the screen has, so that its frame and its dialogs follow. */
  setTheme(theme: 'light' | 'dark' | 'auto'): void;
}
