import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * What is let in. Anybody on this machine and every web page can send requests to a loopback port, so a request must come from
 * our own page (Host, Origin, Sec-Fetch-Site) of a browser that was given a token of ours. Pure.
 */

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'] as const;

/** Whether a Host header names this server: a page of another name that resolves to loopback (DNS rebinding) does not. */
export const isOwnHost = (host: string | undefined, port: number): boolean =>
  host !== undefined &&
  loopbackNames.some((name) => host === `${name}:${port}` || (port === 80 && host === name));

/** Whether a request comes from a page of this server, and not from one of another port or site. */
const isOwnOrigin = (headers: IncomingHttpHeaders): boolean =>
  headers.origin === `http://${headers.host ?? ''}`;

/** A browser's own word on where a request comes from (Fetch Metadata); old ones say nothing. */
const isSameOriginFetch = (headers: IncomingHttpHeaders): boolean => {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
};

/** Cookies do not know ports, so its name has ours: two servers on one machine keep apart. */
const cookieName = (port: number): string => `flatland-${port}`;

/** The session in a Cookie header; null when there is none. */
export function sessionIn(headers: IncomingHttpHeaders, port: number): string | null {
  const prefix = `${cookieName(port)}=`;
  const found = (headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(prefix));
  return found === undefined ? null : found.slice(prefix.length);
}

/** Only our own page may send it, no script may read it, and it ends with the browser. */
export const sessionCookie = (session: string, port: number): string =>
  `${cookieName(port)}=${session}; HttpOnly; SameSite=Strict; Path=/`;

export type Answer =
  | { readonly kind: 'file'; readonly pathname: string }
  | { readonly kind: 'exchange'; readonly token: string }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 404 | 405; readonly reason: string };

const refused = (status: 400 | 401 | 403 | 404 | 405, reason: string): Answer => ({
  kind: 'refused',
  status,
  reason,
});

const parse = (target: string): URL | null => {
  // An absolute target or one like //elsewhere is not what a browser sends to us.
  if (!target.startsWith('/') || target.startsWith('//')) return null;
  return URL.canParse(target, 'http://localhost') ? new URL(target, 'http://localhost') : null;
};

export interface Request {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What to do about a request for a page or a file. `isSession` says whether a cookie's value was given out by us. */
export function judgeRequest(
  { method, url, headers }: Request,
  port: number,
  isSession: (session: string | null) => boolean,
): Answer {
  if (!isOwnHost(headers.host, port)) return refused(403, 'This is not the address of this server.');
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'Only GET and HEAD are understood.');
  const target = parse(url ?? '');
  if (target === null) return refused(400, 'This is no address of a page.');
  const token = target.searchParams.get('token');
  if (target.pathname === '/' && token !== null && method === 'GET') return { kind: 'exchange', token };
  if (!isSession(sessionIn(headers, port)))
    return refused(401, 'This page opens from the link that Flatland prints.');
  return { kind: 'file', pathname: target.pathname };
}

/** Whether a WebSocket may be opened; null, or the status and the reason why not. */
export function judgeUpgrade(
  { method, url, headers }: Request,
  port: number,
  isSession: (session: string | null) => boolean,
): { readonly status: number; readonly reason: string } | null {
  if (!isOwnHost(headers.host, port)) return { status: 403, reason: 'wrong host' };
  if (method !== 'GET' || parse(url ?? '')?.pathname !== '/rpc')
    return { status: 404, reason: 'no such socket' };
  if (!isOwnOrigin(headers) || !isSameOriginFetch(headers)) return { status: 403, reason: 'wrong origin' };
  if (!isSession(sessionIn(headers, port))) return { status: 401, reason: 'no session' };
  return null;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares secrets in a time that says nothing of them. */
export const sameSecret = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));
