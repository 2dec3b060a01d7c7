import { widthOf } from './text.ts';

/** A terminal that can be drawn on. `size` is what it is right now, also when no signal has told of a change yet. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): unknown;
}

export interface Frame {
  /** Draws the lines in place of those drawn before. */
  draw(lines: readonly string[]): void;
  /** Leaves the last lines where they are and gives the cursor back. */
  end(): void;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
/** Terminals that know synchronized output show a frame at once; the others ignore it. */
const beginUpdate = '\x1b[?2026h';
const endUpdate = '\x1b[?2026l';
const eraseRestOfLine = '\x1b[K';
const eraseBelow = '\x1b[J';

/**
 * Redraws lines in place without ever blanking them, so that nothing flickers. A terminal that was made narrower has
 * wrapped what was drawn, which counts when the cursor goes back up.
 */
export function openFrame(screen: Screen): Frame {
  let drawn: readonly string[] = [];
  let hidden = false;
  const height = (lines: readonly string[], columns: number) => {
    return lines.reduce((sum, text) => sum + Math.max(1, Math.ceil(widthOf(text) / columns)), 0);
  };
  return {
    draw(lines) {
      const { columns, rows } = screen.size();
      const up = Math.min(height(drawn, columns), rows - 1);
      const back = up > 0 ? `\r\x1b[${up}A` : '\r';
      const body = lines.map((text) => `${text}${eraseRestOfLine}\n`).join('');
      screen.write(`${beginUpdate}${hidden ? '' : hideCursor}${back}${body}${eraseBelow}${endUpdate}`);
      hidden = true;
      drawn = lines;
    },
    end() {
      if (hidden) screen.write(showCursor);
      hidden = false;
      drawn = [];
    },
  };
}
