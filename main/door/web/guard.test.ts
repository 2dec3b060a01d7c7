import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOwnHost, judgeRequest, judgeUpgrade, sameSecret, sessionCookie, sessionIn } from './guard.ts';

const port = 7117;
const host = `127.0.0.1:${port}`;
const cookie = `flatland-${port}=good`;
const isSession = (session: string | null) => session === 'good';
const page = (url: string, headers: Record<string, string> = { host, cookie }, method = 'GET') =>
  judgeRequest({ method, url, headers }, port, isSession);
const own = { host, cookie, origin: `http://${host}` };
const socket = (headers: Record<string, string>, url = '/rpc') =>
  judgeUpgrade({ method: 'GET', url, headers }, port, isSession)?.status ?? null;

describe('the address of a request', () => {
  it.each([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])('is ours: %s', (text) => {
    expect(isOwnHost(text, port)).toBe(true);
  });

  it.each([
    undefined,
    '',
    '127.0.0.1',
    'localhost',
    'localhost:7118',
    'evil.example',
    `evil.example:${port}`,
    `localhost.evil.example:${port}`,
    `127.0.0.1.evil.example:${port}`,
    `127.0.0.1:${port}.evil.example`,
    ` 127.0.0.1:${port}`,
    `0.0.0.0:${port}`,
  ])('is another: %s', (text) => {
    expect(isOwnHost(text, port)).toBe(false);
  });

  it('is ours without a port where that is the usual one', () => {
    expect(isOwnHost('localhost', 80)).toBe(true);
  });
});

describe('a request for a page', () => {
  it('is answered to whoever has a session', () => {
    expect(page('/')).toEqual({ kind: 'file', pathname: '/' });
    expect(page('/assets/index.js?v=1')).toEqual({ kind: 'file', pathname: '/assets/index.js' });
  });

  it('is refused to whoever has none', () => {
    expect(page('/', { host })).toMatchObject({ kind: 'refused', status: 401 });
    expect(page('/', { host, cookie: `flatland-${port}=bad` })).toMatchObject({ status: 401 });
    expect(page('/', { host, cookie: 'flatland-7118=good' })).toMatchObject({ status: 401 });
    expect(page('/', { host, cookie: `flatland-${port}=` })).toMatchObject({ status: 401 });
  });

  it('is refused to another name before its token is looked at (DNS rebinding)', () => {
    expect(page('/?token=t', { host: `evil.example:${port}`, cookie })).toMatchObject({ status: 403 });
  });

  it('may bring a token, at the front door alone', () => {
    expect(page('/?token=t', { host })).toEqual({ kind: 'exchange', token: 't' });
    expect(page('/assets/?token=t', { host })).toMatchObject({ status: 401 });
    expect(page('/?token=t', { host }, 'HEAD')).toMatchObject({ status: 401 });
  });

  it('only reads', () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
      expect(page('/', { host, cookie }, method)).toMatchObject({ status: 405 });
  });

  it('has no target elsewhere', () => {
    for (const url of ['//evil.example/', 'http://evil.example/', '*', '', 'evil'])
      expect(page(url)).toMatchObject({ kind: 'refused', status: 400 });
  });

  it('is never answered without a session or a token, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (url, value) => {
        fc.pre(value !== 'good');
        const judged = page(url, { host, cookie: `flatland-${port}=${value}` });
        expect(judged.kind).not.toBe('file');
      }),
    );
  });
});

describe('a socket', () => {
  it('is opened for our own page', () => {
    expect(socket(own)).toBeNull();
    expect(socket({ ...own, 'sec-fetch-site': 'same-origin' })).toBeNull();
    expect(socket({ host: `localhost:${port}`, origin: `http://localhost:${port}`, cookie })).toBeNull();
  });

  it.each([
    ['another site', { ...own, origin: 'https://evil.example' }],
    ['another port of this machine', { ...own, origin: 'http://127.0.0.1:8000' }],
    ['another name of this machine', { ...own, origin: `http://localhost:${port}` }],
    ['a file', { ...own, origin: 'null' }],
    ['nowhere', { host, cookie }],
    ['a page whose browser says that it is another one', { ...own, 'sec-fetch-site': 'same-site' }],
    [
      'a name that is not ours',
      { host: `evil.example:${port}`, cookie, origin: `http://evil.example:${port}` },
    ],
  ])('is refused to %s', (_, headers) => {
    expect(socket(headers)).toBe(403);
  });

  it('is refused without a session, and at another place', () => {
    expect(socket({ host, origin: own.origin })).toBe(401);
    expect(socket(own, '/other')).toBe(404);
    expect(socket(own, '/rpc?connectionParams=1')).toBeNull();
  });
});

describe('a session', () => {
  it('is found among other cookies', () => {
    expect(sessionIn({ cookie: `a=1; flatland-${port}=x=y; b=2` }, port)).toBe('x=y');
    expect(sessionIn({ cookie: `xflatland-${port}=bad` }, port)).toBeNull();
    expect(sessionIn({}, port)).toBeNull();
  });

  it('is read by no script and sent by no other page', () => {
    expect(sessionCookie('s', port)).toBe(`flatland-${port}=s; HttpOnly; SameSite=Strict; Path=/`);
  });

  it('is compared as a whole', () => {
    expect(sameSecret('abc', 'abc')).toBe(true);
    expect(sameSecret('abc', 'abcd')).toBe(false);
    expect(sameSecret('', 'a')).toBe(false);
  });
});
