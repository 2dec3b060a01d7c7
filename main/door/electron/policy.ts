import type { Frame } from './parts.ts';

/** Scheme of the screens' own pages. */
export const pageScheme = 'app';
/** The one page that a window shows, unless a developer's server stands in for it. */
export const ownPage = 'app://flatland/';

/** What a window may show: `app://flatland/`, or in development a server on this machine, which only an unpackaged app obeys. */
export function pageFor(packaged: boolean, developmentUrl: string | undefined): string {
  if (packaged || developmentUrl === undefined) return ownPage;
  const url = URL.parse(developmentUrl);
  const local = url !== null && url.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname);
  return local ? url.href : ownPage;
}

/** Whether a URL belongs to the page: the same scheme, host and port, without credentials. */
export function belongsTo(page: string, url: string): boolean {
  const [expected, found] = [URL.parse(page), URL.parse(url)];
  if (expected === null || found === null) return false;
  // `origin` is no help: it is `null` for every scheme that is not the web's own.
  return (
    found.protocol === expected.protocol &&
    found.host === expected.host &&
    found.username === '' &&
    found.password === ''
  );
}

/** Whether a message comes from our page itself, not from a frame inside it nor from one that is gone. */
export function isTrustedSender(page: string, frame: Frame | null): boolean {
  return frame !== null && frame.parent === null && belongsTo(page, frame.url);
}

/** A link that may be opened outside, with the program that the user has for it; null for any that may not. */
export function outsideLink(link: string): string | null {
  const url = URL.parse(link);
  if (url === null || link.length > 2048) return null;
  if (!['http:', 'https:', 'mailto:'].includes(url.protocol)) return null;
  return url.username === '' && url.password === '' ? url.href : null;
}

/** Copying as text is all that a page of ours ever asks for. */
export const isPermitted = (permission: string): boolean => permission === 'clipboard-sanitized-write';

/** The lab that a deep link such as `flatland://lab/demo` names; null when none of the words is one. */
export function linkedLab(words: readonly string[]): string | null {
  for (const word of words) {
    const name = /^flatland:\/\/lab\/([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\/?$/.exec(word)?.[1];
    if (name !== undefined) return name;
  }
  return null;
}
