import { open } from 'node:fs/promises';
import { labFile } from '../../../contract/lab.ts';
import { type LabSource, labSource } from '../../../contract/request.ts';
import { failure } from '../../failure.ts';

const sizeLimit = 1024 * 1024;

export interface UpArguments {
  readonly file: string | undefined;
  readonly hosts: number | undefined;
  readonly backend: string | undefined;
  readonly name: string | undefined;
}

const reasons: Partial<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a directory; name a lab file in it',
  ENOTDIR: 'does not exist: part of the path is no directory',
  EACCES: 'may not be read by this user',
};

/** Reads at most so many bytes, so that an endless file is no danger. */
async function readStart(path: string, limit: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const parts: Buffer[] = [];
    let size = 0;
    while (size < limit) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(65_536, limit - size)));
      if (bytesRead === 0) break;
      parts.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
    return Buffer.concat(parts);
  } finally {
    await file.close();
  }
}

/** Reads a lab file as text. Rejects with `lab-file-invalid` when it is no readable text of at most 1 MiB. */
export async function readLabFile(path: string): Promise<string> {
  const invalid = (reason: string, cause?: unknown) =>
    failure('lab-file-invalid', `${path} ${reason}.`, { cause });
  let bytes: Buffer;
  try {
    bytes = await readStart(path, sizeLimit + 1);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw invalid(reasons[code] ?? `cannot be read (${code || String(cause)})`, cause);
  }
  if (bytes.length > sizeLimit) throw invalid('is too large: a lab file has at most 1 MiB');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid('is not UTF-8 text', cause);
  }
}

/** What `up` is asked for: a lab file, the given one or the usual one, or a lab made from numbers. */
export async function readSource(asked: UpArguments, usualFile: string): Promise<LabSource> {
  const { file, hosts, backend, name } = asked;
  if (name !== undefined) {
    const checked = labFile.shape.name.safeParse(name);
    if (!checked.success)
      throw failure('input-invalid', `--name ${JSON.stringify(name)} ${checked.error.issues[0]?.message}.`);
  }
  const named = name === undefined ? {} : { name };
  if (hosts === undefined && backend === undefined) {
    const path = file ?? usualFile;
    return { kind: 'file', path, text: await readLabFile(path), ...named };
  }
  if (file !== undefined) {
    throw failure('input-invalid', 'A lab file and --hosts or --backend cannot be given together.', {
      hint: 'Write the hosts and the backend into the file, or leave the file out.',
    });
  }
  const source = labSource.safeParse({
    kind: 'generated',
    hosts: hosts ?? 3,
    backend: backend ?? 'vxlan',
    ...named,
  });
  if (source.success) return source.data;
  const [issue] = source.error.issues;
  throw failure('input-invalid', `--${issue?.path.join('.')}: ${issue?.message}.`);
}
