import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that its readers see the old or the new text, never a part (flannel's WriteSubnetFile does the
 * same).
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.${basename(path)}`);
  await writeFile(temporary, text, { mode: 0o644 });
  await rename(temporary, path);
}
