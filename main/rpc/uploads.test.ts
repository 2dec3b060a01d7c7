import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openUploads, type Uploads } from './uploads.ts';

const opened: Uploads[] = [];
const start = () => {
  const uploads = openUploads();
  opened.push(uploads);
  return uploads;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((uploads) => uploads.close()));
});

describe('uploads', () => {
  it('become a file that only its owner can read, and that is gone after its use', async () => {
    const uploads = start();
    const { id } = await uploads.begin({ name: '../../etc/image.tar', bytes: 6 });
    await Promise.all([uploads.add(id, 0, Buffer.from('abc')), uploads.add(id, 3, Buffer.from('def'))]);
    const file = await uploads.take(id);
    expect(file.name).toBe('image.tar');
    expect(await readFile(file.path, 'utf8')).toBe('abcdef');
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(file.path))).mode & 0o777).toBe(0o700);
    await file.release();
    await expect(stat(file.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuse what does not follow, what is too much, and what is not whole', async () => {
    const uploads = start();
    const { id } = await uploads.begin({ name: 'image.tar', bytes: 4 });
    await expect(uploads.add(id, 1, Buffer.from('b'))).rejects.toThrow('Byte 0 is next');
    await uploads.add(id, 0, Buffer.from('ab'));
    await expect(uploads.add(id, 0, Buffer.from('ab'))).rejects.toThrow('Byte 2 is next');
    await expect(uploads.add(id, 2, Buffer.from('cde'))).rejects.toThrow('longer than the 4 bytes');
    await expect(uploads.take(id)).rejects.toThrow('2 bytes of the file are missing');
    await uploads.add(id, 2, Buffer.from('cd'));
    expect(await readFile((await uploads.take(id)).path, 'utf8')).toBe('abcd');
  });

  it('can be used once', async () => {
    const uploads = start();
    const { id } = await uploads.begin({ name: 'a', bytes: 1 });
    await uploads.add(id, 0, Buffer.from('a'));
    await uploads.take(id);
    await expect(uploads.take(id)).rejects.toThrow('no such upload');
    await expect(uploads.add('unknown', 0, Buffer.from('a'))).rejects.toThrow('no such upload');
  });

  it('have bounds', async () => {
    const uploads = start();
    await expect(uploads.begin({ name: 'a', bytes: 9 * 1024 ** 3 })).rejects.toThrow('8 GiB');
    for (let index = 0; index < 8; index += 1) await uploads.begin({ name: 'a', bytes: 1 });
    await expect(uploads.begin({ name: 'a', bytes: 1 })).rejects.toThrow('8 files');
  });

  it('take away what a killed process left, and nothing of one that runs', async () => {
    const { pid: dead } = spawnSync('true');
    const left = await mkdtemp(join(tmpdir(), `flatland-upload-${dead}-`));
    const first = start();
    const { id } = await first.begin({ name: 'a', bytes: 1 });
    await expect(stat(left)).rejects.toMatchObject({ code: 'ENOENT' });
    await start().begin({ name: 'b', bytes: 1 });
    await first.add(id, 0, Buffer.from('a'));
    expect((await stat((await first.take(id)).path)).size).toBe(1);
  });

  it('leave nothing behind', async () => {
    const uploads = start();
    const { id } = await uploads.begin({ name: 'a', bytes: 2 });
    await uploads.add(id, 0, Buffer.from('ab'));
    const { path } = await uploads.take(id);
    await uploads.close();
    await expect(stat(dirname(path))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
