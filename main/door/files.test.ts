import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFile } from './files.ts';

let directory: string;
let root: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatland-files-'));
  root = join(directory, 'screens');
  await mkdir(join(root, 'assets'), { recursive: true });
  await writeFile(join(root, 'index.html'), '<title>page</title>');
  await writeFile(join(root, 'assets', 'main-1a2b.js'), 'export {};');
  await writeFile(join(root, 'assets', 'program'), 'no kind');
  await writeFile(join(directory, 'secret.txt'), 'secret');
  await symlink(join(directory, 'secret.txt'), join(root, 'link.txt'));
  await mkdir(join(root, 'folder.js'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const text = async (path: string) => {
  const file = await findFile(root, path);
  return file === null ? null : Buffer.from(file.contents).toString();
};

test('the page and its parts are served with their kinds', async () => {
  expect(await text('/')).toContain('page');
  expect((await findFile(root, '/'))?.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
  });
  expect((await findFile(root, '/assets/main-1a2b.js'))?.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': expect.stringContaining('immutable'),
  });
});

test('a page may load nothing from elsewhere and run no inline script', async () => {
  const policy = (await findFile(root, '/'))?.headers['content-security-policy'] ?? '';
  const directives = new Map(policy.split('; ').map((each) => [each.split(' ')[0], each]));
  expect(directives.get('default-src')).toBe("default-src 'none'");
  expect(directives.get('script-src')).toBe("script-src 'self'");
  expect(directives.get('connect-src')).toBe("connect-src 'self'");
  expect(directives.get('frame-ancestors')).toBe("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe-eval|\*|https?:/);
});

test.each([
  '/secret.txt',
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/assets/../../secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/..\\secret.txt',
  '/%5c..%5csecret.txt',
  '/link.txt',
  '/folder.js',
  '/assets/program',
  '/index.html%00.js',
  '/%',
  'index.html',
  '//index.html',
  '/index.html/',
  '',
])('%j is not served', async (path) => {
  expect(await text(path)).toBeNull();
});

test('no path leads out of the directory', async () => {
  const part = fc.constantFrom(
    '..',
    '.',
    '',
    'secret.txt',
    'screens',
    'assets',
    '%2e%2e',
    '%2F',
    '..%5C',
    '%00',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      expect(await text(`/${parts.join('/')}`)).not.toBe('secret');
    }),
  );
});
