import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { archiveHead, archiveKind } from './archive.ts';

test('a tar file and a compressed one are told from others by their first bytes', () => {
  const file = execFileSync('tar', [
    '--create',
    '--file=-',
    `--directory=${import.meta.dirname}`,
    'archive.ts',
  ]);
  expect(archiveKind(file.subarray(0, archiveHead))).toBe('image');
  expect(archiveKind(gzipSync(file).subarray(0, archiveHead))).toBe('gzip');
  expect(archiveKind(Buffer.from('%PDF-1.7'))).toBe('other');
  expect(archiveKind(Buffer.alloc(0))).toBe('empty');
});
