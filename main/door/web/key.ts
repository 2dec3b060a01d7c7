import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const keyBytes = 32;

/** The key that sessions are signed with. It is made once, and only its owner can read it. */
export async function sessionKey(path: string): Promise<Uint8Array> {
  const read = async () => {
    const key = await readFile(path);
    return key.length === keyBytes ? key : null;
  };
  const known = await read().catch(() => null);
  if (known !== null) return known;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, randomBytes(keyBytes), { mode: 0o600 });
  // Whoever wrote last is right, should two have begun at once.
  return (await read()) ?? randomBytes(keyBytes);
}
