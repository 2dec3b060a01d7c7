/** What is asked before it is pasted: more than one line would run at once in a shell. */
export interface Paste {
  readonly text: string;
  readonly lines: readonly string[];
}

/** Text as it may be pasted: without escape and other control characters, which could end a bracketed paste early. */
export function readPaste(clipboard: string): Paste {
  // Control characters other than tab and line ends, C1 included.
  const text = clipboard.replaceAll(/\r\n?/g, '\n').replaceAll(/(?![\t\n])\p{Cc}/gu, '');
  return { text, lines: text.replace(/\n+$/, '').split('\n') };
}

/** The same text as one line, its lines joined by a space. */
export const onOneLine = ({ lines }: Paste): string =>
  lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
