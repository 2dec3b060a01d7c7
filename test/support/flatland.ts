import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LabEvent, labEvent } from '../../contract/event.ts';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A state directory of the test's own, so that it never meets a user's labs; a lab that a failed test left goes with it. */
export function ownState(): { directory: string; remove: () => Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), 'fl-test-state-'));
  return {
    directory,
    async remove() {
      if (existsSync(join(directory, 'flatland', 'labs'))) await run(directory, ['down', '--all', '--json']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningFlatland {
  readonly child: ChildProcess;
  readonly events: LabEvent[];
  readonly finished: Promise<Finished>;
  /** Resolves at the first event that fits; rejects when the command ends without one. */
  when(fits: (event: LabEvent) => boolean): Promise<LabEvent>;
}

/** How a command is started when not just so: `machine` is a shell script that first changes its view of this machine. */
export interface Circumstances {
  readonly machine?: string;
  /** Another user than root, who may read all the same: the repository may lie in a folder of root's. */
  readonly user?: number;
}

const readOnly = ['--clear-groups', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
const unshared = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'];

/** Starts `./flatland` as a user would; events are collected when it prints them (`--json`). */
export function start(
  state: string,
  args: readonly string[],
  { machine, user }: Circumstances = {},
): RunningFlatland {
  const flatland = join(root, 'flatland');
  const asUser = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, ...readOnly];
  // What the script mounts is seen by this command and what it starts, and by nothing else.
  const elsewhere = machine === undefined ? [] : [...unshared, `${machine}\nexec "$0" "$@"`];
  const [program = flatland, ...argv] = [...elsewhere, ...asUser, flatland, ...args];
  const child = spawn(program, argv, {
    env: { ...process.env, XDG_STATE_HOME: state, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: LabEvent[] = [];
  const waiting: {
    fits: (event: LabEvent) => boolean;
    resolve: (event: LabEvent) => void;
    reject: (error: Error) => void;
  }[] = [];
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    if (!line.startsWith('{"type"')) return;
    const event = labEvent.parse(JSON.parse(line));
    events.push(event);
    for (const entry of [...waiting]) {
      if (!entry.fits(event)) continue;
      waiting.splice(waiting.indexOf(entry), 1);
      entry.resolve(event);
    }
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const entry of waiting)
        entry.reject(new Error(`flatland ended before: ${stdout.slice(-2000)}${stderr}`));
      resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 143), stdout, stderr });
    });
  });
  return {
    child,
    events,
    finished,
    when(fits) {
      const known = events.find(fits);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => waiting.push({ fits, resolve, reject }));
    },
  };
}

/** Runs `./flatland` to its end. */
export const run = (
  state: string,
  args: readonly string[],
  circumstances?: Circumstances,
): Promise<Finished> => start(state, args, circumstances).finished;

/** The events that a command printed with `--json`. */
export const eventsOf = ({ stdout }: Finished): LabEvent[] =>
  stdout
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{"type"'))
    .map((line) => labEvent.parse(JSON.parse(line)));
