import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  belongsTo,
  isPermitted,
  isTrustedSender,
  linkedLab,
  outsideLink,
  ownPage,
  pageFor,
} from './policy.ts';

describe('the page of a window', () => {
  test('is our own, whatever the environment says, once the app is packaged', () => {
    expect(pageFor(true, 'http://127.0.0.1:5173/')).toBe(ownPage);
  });
  test('is a development server on this machine, in an app that is not packaged', () => {
    expect(pageFor(false, 'http://127.0.0.1:5173')).toBe('http://127.0.0.1:5173/');
    expect(pageFor(false, undefined)).toBe(ownPage);
  });
  test.each([
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'https://127.0.0.1/',
    'file:///etc/passwd',
    'nonsense',
  ])('is never %s', (url) => {
    expect(pageFor(false, url)).toBe(ownPage);
  });
});

describe('a sender', () => {
  const from = (url: string) => ({ url, parent: null });
  test.each(['app://flatland/', 'app://flatland/#/lab/demo', 'app://flatland/index.html'])(
    '%s is trusted',
    (url) => {
      expect(isTrustedSender(ownPage, from(url))).toBe(true);
    },
  );
  test.each([
    'app://other/',
    'app://flatland.example.com/',
    'app://flatland:8080/',
    'app://someone@flatland/',
    'http://flatland/',
    'https://example.com/app://flatland/',
    'file:///app/flatland/',
    'about:blank',
    'data:text/html,app://flatland/',
    '',
  ])('%s is not trusted', (url) => {
    expect(isTrustedSender(ownPage, from(url))).toBe(false);
  });
  test('is not trusted in a frame inside the page, nor when its frame is gone', () => {
    expect(isTrustedSender(ownPage, { url: ownPage, parent: from(ownPage) })).toBe(false);
    expect(isTrustedSender(ownPage, null)).toBe(false);
  });
  test('is trusted for no URL of the web, however it is written', () => {
    const scheme = fc.constantFrom('http', 'https', 'ws', 'file', 'data', 'APP', 'app ');
    const host = fc.stringMatching(/^[a-z.@:/#?]{0,12}$/);
    fc.assert(
      fc.property(scheme, host, (before, after) => {
        // Only the scheme that is written `app`, in either case, is ours.
        fc.pre(before.toLowerCase() !== 'app' || !after.startsWith('flatland'));
        expect(belongsTo(ownPage, `${before}://${after}`)).toBe(false);
      }),
    );
  });
});

describe('a link to the outside', () => {
  test.each([
    ['https://example.com/a?b#c', 'https://example.com/a?b#c'],
    ['http://example.com', 'http://example.com/'],
    ['mailto:someone@example.com', 'mailto:someone@example.com'],
  ])('%s is opened', (link, opened) => {
    expect(outsideLink(link)).toBe(opened);
  });
  test.each([
    'file:///etc/passwd',
    'app://flatland/',
    'javascript:alert(1)',
    'smb://server/share',
    'ms-msdt:/id',
    'flatland://lab/demo',
    'https://user:password@example.com/',
    'example.com',
    `https://example.com/${'a'.repeat(3000)}`,
  ])('%s is not', (link) => {
    expect(outsideLink(link)).toBeNull();
  });
});

test('copying is the only permission', () => {
  expect(isPermitted('clipboard-sanitized-write')).toBe(true);
  for (const permission of ['clipboard-read', 'media', 'geolocation', 'notifications', 'openExternal', 'usb'])
    expect(isPermitted(permission)).toBe(false);
});

describe('a deep link', () => {
  test('names a lab', () => {
    expect(linkedLab(['/usr/bin/flatland', '--flag', 'flatland://lab/demo-2'])).toBe('demo-2');
    expect(linkedLab(['flatland://lab/demo/'])).toBe('demo');
  });
  test.each([
    'flatland://lab/',
    'flatland://lab/..',
    'flatland://lab/a/b',
    'flatland://lab/<img onerror=1>',
    'flatland://other/demo',
    'https://lab/demo',
    'flatland://lab/demo\nflatland://lab/x',
  ])('%j names none', (word) => {
    expect(linkedLab([word])).toBeNull();
  });
});
