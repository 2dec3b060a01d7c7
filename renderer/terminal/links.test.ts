import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findLinks, webAddress } from './links.ts';

test.each([
  ['see http://10.77.1.2/ for more', ['http://10.77.1.2/']],
  ['(https://example.test/a_(b)).', ['https://example.test/a_(b)']],
  ['curl "http://web-1:80/x?y=1&z=2"', ['http://web-1/x?y=1&z=2']],
  ['http://a.test, http://b.test!', ['http://a.test/', 'http://b.test/']],
  ['javascript:alert(1) file:///etc/passwd ftp://x', []],
  ['http:// https://', []],
])('%s', (line, urls) => {
  expect(findLinks(line).map(({ url }) => url)).toEqual(urls);
});

test('links lie in the line, do not overlap and lead to the web', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('http://', 'https://a', '.', ')', '(', ' ', 'é', '[::1]', ':99'), {
        maxLength: 20,
      }),
      (parts) => {
        const line = parts.join('');
        let before = 0;
        for (const { start, end, url } of findLinks(line)) {
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(line.length);
          expect(url).toMatch(/^https?:\/\//);
          before = end;
        }
      },
    ),
  );
});

test.each(['javascript:alert(1)', 'data:text/html,x', ' vbscript:x', 'file:///etc/passwd', 'nonsense'])(
  '%s is never opened',
  (text) => {
    expect(webAddress(text)).toBeNull();
  },
);
