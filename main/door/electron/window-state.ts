import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Rectangle } from './parts.ts';

const rectangle = z.object({ x: z.int(), y: z.int(), width: z.int().min(1), height: z.int().min(1) });

/** What is remembered of the windows from one start to the next. */
const windowState = z.object({
  bounds: rectangle.nullable(),
  maximised: z.boolean(),
  theme: z.enum(['light', 'dark', 'auto']),
});
export type WindowState = z.infer<typeof windowState>;

export const smallestWindow = { width: 900, height: 600 };
const usualWindow = { width: 1360, height: 880 };

/** So much of a window's upper edge must be on a display for it to be moved by hand. */
const grip = { width: 120, height: 32 };

function gripIsOn(area: Rectangle, window: Rectangle): boolean {
  const width = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
  return width >= grip.width && window.y >= area.y && window.y + grip.height <= area.y + area.height;
}

/**
 * Where a window opens: where it was, if that can still be seen and reached on a display; otherwise its size alone, cut to the
 * first display. `areas` are the displays' areas without the system's bars.
 */
export function placeWindow(
  remembered: Rectangle | null,
  areas: readonly Rectangle[],
): Partial<Rectangle> & { width: number; height: number } {
  const wanted = remembered ?? usualWindow;
  const cutTo = (area: Rectangle | undefined) => ({
    width: Math.max(smallestWindow.width, Math.min(wanted.width, area?.width ?? wanted.width)),
    height: Math.max(smallestWindow.height, Math.min(wanted.height, area?.height ?? wanted.height)),
  });
  if (remembered !== null) {
    const { x, y } = remembered;
    const home = areas.find((area) => gripIsOn(area, { x, y, ...cutTo(area) }));
    if (home !== undefined) return { x, y, ...cutTo(home) };
  }
  return cutTo(areas[0]);
}

const fresh: WindowState = { bounds: null, maximised: false, theme: 'auto' };

function readState(path: string): WindowState {
  try {
    return windowState.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return fresh;
  }
}

/**
 * Keeps the state in one file. A file that is missing, torn or of another version is a fresh start. It is read and written at
 * once, since the app may be about to be ready or to end.
 */
export function openWindowState(path: string) {
  let state = readState(path);
  return {
    read: (): WindowState => state,
    update: (change: Partial<WindowState>): void => {
      state = { ...state, ...change };
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.tmp`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
        renameSync(`${path}.tmp`, path);
      } catch {
        // A state that cannot be kept is no reason to stop.
      }
    },
  };
}
export type WindowStateFile = ReturnType<typeof openWindowState>;
