import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Lab, lab } from '../../contract/lab.ts';

/** Where labs are remembered (XDG Base Directory Specification): one folder a lab. */
export function stateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const state = environment['XDG_STATE_HOME'];
  return join(state?.startsWith('/') ? state : join(homedir(), '.local', 'state'), 'flatland');
}

export const labsDirectory = () => join(stateDirectory(), 'labs');
export const labDirectory = (name: string) => join(labsDirectory(), name);

/** Stable for a lab's name and its owner's state directory, so that two users may use the same name. */
export function labIdentifier(name: string): string {
  return createHash('sha256').update(`${labsDirectory()}\0${name}`).digest('hex').slice(0, 8);
}

const keyPair = z.object({ privateKey: z.string(), publicKey: z.string() });

const credentials = z.object({ certificate: z.string(), privateKey: z.string() });

/**
 * Keys of a lab: they never leave its folder (mode 0600) but to the host that they belong to.
 * `operator` is our own client certificate for etcd; a host's `role` is what its certificate was made for.
 */
export const secrets = z.object({
  client: keyPair,
  authority: credentials,
  operator: credentials,
  hosts: z.record(z.string(), z.object({ key: keyPair, role: z.string(), certificate: credentials })),
});
export type Secrets = z.infer<typeof secrets>;

/** How each etcd member came to be; its unit keeps saying so for as long as it lives. */
const etcdStart = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('new') }),
  z.object({ kind: z.literal('join'), members: z.array(z.string()) }),
]);

/** `complete`: the last `up` ended well. Anything else is half-built. `applied` is the lab as it was last complete. */
const record = z.object({
  lab,
  createdAt: z.iso.datetime(),
  complete: z.boolean(),
  applied: lab.nullable(),
  etcdStarts: z.record(z.string(), etcdStart),
});
export type LabRecord = z.infer<typeof record>;

async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

async function readParsed<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // A file that is missing, torn or of another version tells nothing; the ledger still says what to take back.
    return null;
  }
}

export async function createLabDirectory(name: string): Promise<void> {
  await mkdir(labDirectory(name), { recursive: true, mode: 0o700 });
}

export const readRecord = (name: string): Promise<LabRecord | null> =>
  readParsed(join(labDirectory(name), 'lab.json'), record);

export async function writeRecord(value: LabRecord): Promise<void> {
  await writeAtomically(
    join(labDirectory(value.lab.name), 'lab.json'),
    `${JSON.stringify(value, null, 2)}\n`,
  );
}

export const readSecrets = (name: string): Promise<Secrets | null> =>
  readParsed(join(labDirectory(name), 'secrets.json'), secrets);

export async function writeSecrets(name: string, value: Secrets): Promise<void> {
  await writeAtomically(join(labDirectory(name), 'secrets.json'), JSON.stringify(value));
}

export async function labNames(): Promise<string[]> {
  const entries = await readdir(labsDirectory(), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export async function otherLabs(name: string): Promise<Lab[]> {
  const records = await Promise.all((await labNames()).filter((other) => other !== name).map(readRecord));
  return records.flatMap((entry) => (entry === null ? [] : [entry.lab]));
}

/** Forgets a lab, and the folders above it when it was the last. */
export async function removeLabDirectory(name: string): Promise<void> {
  // Another command that looks at the lab may write a line of its history meanwhile.
  await rm(labDirectory(name), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  await rmdir(labsDirectory()).catch(() => {});
  await rmdir(stateDirectory()).catch(() => {});
}

/** Appends one line to a file of the lab and waits until it is on the disk. A torn last line stays a line of its own. */
export async function appendDurably(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const torn = size > 0 && last.toString() !== '\n';
    await file.appendFile(`${torn ? '\n' : ''}${line}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}
