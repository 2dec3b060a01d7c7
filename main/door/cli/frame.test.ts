import { describe, expect, it } from 'vitest';
import { openFrame } from './frame.ts';

function fakeScreen(columns: number) {
  const written: string[] = [];
  const size = { columns, rows: 24 };
  return {
    size: () => size,
    resize: (to: number) => {
      size.columns = to;
    },
    written,
    write: (text: string) => written.push(text),
  };
}

describe('openFrame', () => {
  it('goes back up over what it drew, and gives the cursor back', () => {
    const screen = fakeScreen(20);
    const frame = openFrame(screen);
    frame.draw(['one', 'two']);
    frame.draw(['three']);
    frame.end();
    expect(screen.written[0]).toBe(
      '\u001b[?2026h\u001b[?25l\rone\u001b[K\ntwo\u001b[K\n\u001b[J\u001b[?2026l',
    );
    expect(screen.written[1]).toContain('\r\u001b[2Athree');
    expect(screen.written[2]).toBe('\u001b[?25h');
  });

  it('counts lines that a narrower terminal has wrapped', () => {
    const screen = fakeScreen(20);
    const frame = openFrame(screen);
    frame.draw(['x'.repeat(20), 'y']);
    screen.resize(10);
    frame.draw(['z']);
    expect(screen.written[1]).toContain('\r\u001b[3Az');
  });
});
