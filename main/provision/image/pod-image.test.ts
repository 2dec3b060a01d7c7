import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { buildPodImage, isStatic } from './pod-image.ts';

const entriesOf = async (tar: Buffer) => {
  const entries = new Map<string, { mode: number; type: string; link: string | null; text: string }>();
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) {
    const parts: Uint8Array[] = [];
    for await (const part of entry) parts.push(z.instanceof(Uint8Array).parse(part));
    const { name, mode, type, linkname, mtime } = entry.header;
    expect(mtime?.getTime()).toBe(0);
    entries.set(name.replace(/\/$/, ''), {
      mode: mode ?? 0,
      type: type ?? '',
      link: linkname ?? null,
      text: Buffer.concat(parts).toString('latin1'),
    });
  }
  return entries;
};

test('the image holds busybox with every applet, the page, the answer to who asks, and the server', async () => {
  const { tar, tag, changes } = await buildPodImage();
  const entries = await entriesOf(tar);
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets.filter((name) => name !== 'busybox')) {
    expect(entries.get(`bin/${applet}`), applet).toMatchObject({ type: 'symlink', link: 'busybox' });
  }
  expect(entries.get('bin/busybox')?.text.length).toBe(statSync('/bin/busybox').size);
  expect(entries.get('bin/serve')?.mode).toBe(0o755);
  expect(entries.get('www/cgi-bin/whoami')?.mode).toBe(0o755);
  expect(entries.get('tmp')?.mode).toBe(0o1777);
  expect(entries.get('www/index.html')?.text).toContain('Flatland');
  expect(tag).toMatch(/^flatland\/pod:[0-9a-f]{12}$/);
  expect(changes).toContain('CMD ["/bin/serve"]');
  expect(changes).toContain('EXPOSE 80');
});

test('the same machine gives the same bytes in another process', async () => {
  const { tag } = await buildPodImage();
  const program = `import('./main/provision/image/pod-image.ts').then(({ buildPodImage }) => buildPodImage()).then(({ tag }) => console.log(tag))`;
  const bundle = execFileSync(
    'npx',
    ['esbuild', '--bundle', '--platform=node', '--format=cjs', '--log-level=error', '--loader=ts'],
    { input: program, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  expect(execFileSync(process.execPath, ['-'], { input: bundle, encoding: 'utf8' }).trim()).toBe(tag);
});

test('static is told from dynamic', () => {
  expect(isStatic(readFileSync('/bin/busybox'))).toBe(true);
  expect(isStatic(readFileSync('/bin/ls'))).toBe(false);
  expect(isStatic(Buffer.from('#!/bin/sh\n'.padEnd(80)))).toBe(false);
  const elf = readFileSync('/bin/busybox').subarray(0, 4096);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 40 }), (flips) => {
      const broken = Buffer.from(elf);
      for (const [at, value] of flips) broken[at] = value;
      expect(typeof isStatic(broken)).toBe('boolean');
    }),
  );
});
