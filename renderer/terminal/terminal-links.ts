import type { IBufferLine, ILink, ILinkProvider, Terminal } from '@xterm/xterm';
import { findLinks, webAddress } from './links.ts';

/** Opens a web address in a place of its own, which learns nothing of this page. */
function openAddress(text: string): void {
  const url = webAddress(text);
  if (url !== null) window.open(url, '_blank', 'noopener,noreferrer');
}

/** What a program marked as a link (OSC 8) is opened only if it leads to the web. */
export const markedLinks = {
  activate: (_event: MouseEvent, text: string) => openAddress(text),
  allowNonHttpProtocols: false,
};

interface Cell {
  readonly x: number;
  readonly y: number;
}

/** The text of a line that may be wrapped over several rows, with the cell of each of its characters. */
function readLine(rows: readonly { readonly y: number; readonly line: IBufferLine }[]): {
  text: string;
  cells: Cell[];
} {
  const cells: Cell[] = [];
  let text = '';
  for (const { y, line } of rows) {
    for (let x = 0; x < line.length; x += 1) {
      const cell = line.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const characters = cell.getChars() || ' ';
      for (let index = 0; index < characters.length; index += 1) cells.push({ x: x + 1, y });
      text += characters;
    }
  }
  return { text, cells };
}

/** Finds web addresses in what a terminal shows. */
export function webLinks(terminal: Terminal): ILinkProvider {
  return {
    provideLinks: (row, callback) => {
      const buffer = terminal.buffer.active;
      let first = row;
      while (first > 1 && buffer.getLine(first - 1)?.isWrapped) first -= 1;
      const rows: { y: number; line: IBufferLine }[] = [];
      for (let y = first; ; y += 1) {
        const line = buffer.getLine(y - 1);
        if (line === undefined || (y > first && !line.isWrapped)) break;
        rows.push({ y, line });
      }
      const { text, cells } = readLine(rows);
      const links = findLinks(text).flatMap(({ start, end, url }): ILink[] => {
        const from = cells[start];
        const to = cells[end - 1];
        return from === undefined || to === undefined
          ? []
          : [
              {
                range: { start: from, end: to },
                text: url,
                activate: (_event, address) => openAddress(address),
              },
            ];
      });
      callback(links);
    },
  };
}
