/** A link in a line of text: `start` is the index of its first character, `end` that after its last. */
export interface TextLink {
  readonly start: number;
  readonly end: number;
  readonly url: string;
}

const pattern = /https?:\/\/[^\s"'<>`\\^{}|]+/gi;

/** The address if it is one of the web, else null: nothing else is ever opened for what a remote machine printed. */
export function webAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, href } = new URL(text);
  return protocol === 'https:' || protocol === 'http:' ? href : null;
}

/** The end of a sentence, or a bracket that was opened before the address, is not part of it. */
function trimEnd(text: string): string {
  let url = text;
  for (;;) {
    const last = url.at(-1) ?? '';
    const opening = { ')': '(', ']': '[' }[last];
    const unpaired = opening !== undefined && url.split(last).length > url.split(opening).length;
    if (!unpaired && !'.,:;!?'.includes(last)) return url;
    url = url.slice(0, -1);
  }
}

/** Web addresses in a line of text, in order. */
export function findLinks(line: string): TextLink[] {
  return [...line.matchAll(pattern)].flatMap(({ 0: found, index }) => {
    const text = trimEnd(found);
    const url = webAddress(text);
    return url === null ? [] : [{ start: index, end: index + text.length, url }];
  });
}
