import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { failure } from '../failure.ts';
import { refuse } from './refuse.ts';

const largestBytes = 8 * 1024 ** 3;
const mostUploads = 8;
const keptMilliseconds = 3_600_000;
const prefix = 'flatland-upload-';

/** A file that has come whole; `release` removes it. */
export interface Uploaded {
  readonly path: string;
  readonly name: string;
  release(): Promise<void>;
}

/** Files that come from a screen's machine in chunks. Rejections are failures of the catalogue. */
export interface Uploads {
  begin(file: { readonly name: string; readonly bytes: number }): Promise<{ id: string }>;
  /** Adds what follows; `offset` is how much came before. */
  add(id: string, offset: number, data: Buffer): Promise<void>;
  /** Hands a whole file over; nobody else can have it after that. */
  take(id: string): Promise<Uploaded>;
  /** Removes everything. */
  close(): Promise<void>;
}

interface Upload {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly file: FileHandle;
  readonly timer: NodeJS.Timeout;
  /** Bytes that came, written or being written. */
  received: number;
  /** The writes, one after the other. */
  written: Promise<unknown>;
}

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
};

/** Removes what processes left that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^(\d+)-/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : '')?.[1];
    if (pid !== undefined && !runs(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

export function openUploads(): Uploads {
  const uploads = new Map<string, Upload>();
  let directory: Promise<string> | null = null;
  let count = 0;

  const find = (id: string): Upload => {
    const upload = uploads.get(id);
    if (upload === undefined) throw refuse('There is no such upload any more.');
    return upload;
  };
  const forget = (id: string): Upload | null => {
    const upload = uploads.get(id);
    if (upload === undefined) return null;
    uploads.delete(id);
    clearTimeout(upload.timer);
    return upload;
  };
  const remove = async (id: string) => {
    const upload = forget(id);
    if (upload === null) return;
    await upload.written.catch(() => {});
    await upload.file.close().catch(() => {});
    await rm(upload.path, { force: true });
  };
  /** Made by the first upload; only its owner can look into it. */
  const ownDirectory = () => {
    directory ??= removeLeftovers().then(() => mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`)));
    return directory;
  };

  return {
    begin: async ({ name, bytes }) => {
      if (bytes > largestBytes) throw refuse('A file can have 8 GiB at most.');
      if (uploads.size + count >= mostUploads)
        throw refuse(`${mostUploads} files are being uploaded already.`);
      count += 1;
      try {
        const into = await ownDirectory();
        const { bavail, bsize } = await statfs(into);
        if (bavail * bsize < bytes) {
          const size = `${Math.ceil(bytes / 1024 ** 2)} MiB`;
          throw failure('disk-full', `There is no room for the file (${size}) in ${into}.`, {
            hint: 'Free some disk space, then choose the file again.',
          });
        }
        const id = randomUUID();
        const path = join(into, id);
        const file = await open(path, 'wx', 0o600);
        const timer = setTimeout(() => void remove(id).catch(() => {}), keptMilliseconds);
        timer.unref();
        const shown = basename(name.replaceAll('\\', '/'));
        uploads.set(id, { name: shown, path, bytes, file, timer, received: 0, written: Promise.resolve() });
        return { id };
      } finally {
        count -= 1;
      }
    },
    add: async (id, offset, data) => {
      const upload = find(id);
      if (offset !== upload.received)
        throw refuse(`Byte ${upload.received} is next in this upload, not ${offset}.`);
      if (offset + data.length > upload.bytes)
        throw refuse(`The file is longer than the ${upload.bytes} bytes it was said to have.`);
      upload.received += data.length;
      upload.written = upload.written.then(async () => {
        let done = 0;
        while (done < data.length) {
          const { bytesWritten } = await upload.file.write(data, done, data.length - done, offset + done);
          done += bytesWritten;
        }
      });
      try {
        await upload.written;
      } catch (cause) {
        await remove(id);
        throw failure('disk-full', 'The file could not be kept on this machine.', { cause });
      }
    },
    take: async (id) => {
      const upload = find(id);
      if (upload.received !== upload.bytes)
        throw refuse(`${upload.bytes - upload.received} bytes of the file are missing.`);
      forget(id);
      await upload.written;
      await upload.file.close();
      return {
        path: upload.path,
        name: upload.name,
        release: () => rm(upload.path, { force: true }),
      };
    },
    close: async () => {
      await Promise.all([...uploads.keys()].map(remove));
      if (directory !== null) await rm(await directory, { recursive: true, force: true });
    },
  };
}
