import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/* Network namespaces of the benchmark and what runs in them; all of it goes away by `removeAll`, whatever happened. */

const prefix = `fab-${process.pid}`;
const names: string[] = [];
const children = new Set<ChildProcess>();

/** A network namespace of the benchmark. */
export interface Namespace {
  readonly name: string;
  /** Runs a shell script in it; throws with its stderr when it fails. */
  sh(script: string): string;
}

export function makeNamespace(label: string): Namespace {
  const name = `${prefix}-${label}`;
  execFileSync('ip', ['netns', 'add', name]);
  names.push(name);
  const sh = (script: string) =>
    execFileSync('nsenter', [`--net=/run/netns/${name}`, 'sh', '-ec', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  sh('ip link set lo up');
  return { name, sh };
}

/** What comes before a command line so that it runs in a namespace, under the same process number. */
export const enterArguments = ({ name }: Namespace): string[] => ['nsenter', `--net=/run/netns/${name}`];

/** Adds a process to those that are ended at the end. */
export function keep(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

export interface Running {
  readonly child: ChildProcess;
  /** Its standard output after its end; rejects with its stderr when it fails. */
  readonly output: Promise<string>;
}

/** Starts a program in a namespace; its standard input stays open until `child.stdin` is ended. */
export function startIn(where: Namespace, argv: readonly string[]): Running {
  const [program = 'nsenter', ...args] = [...enterArguments(where), ...argv];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  keep(child);
  const output = new Promise<string>((resolve, reject) => {
    let text = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      complaint += part;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${argv.join(' ')} ended with code ${code}: ${complaint}${text.slice(-400)}`));
    });
  });
  // Who awaits it sees the failure; a process that is ended at the end is awaited by nobody.
  output.catch(() => {});
  return { child, output };
}

export const runIn = (where: Namespace, argv: readonly string[]): Promise<string> =>
  startIn(where, argv).output;

/** Starts this program again, in a namespace, as one of its helpers. */
export const startHelper = (where: Namespace, ...args: readonly (string | number)[]): Running =>
  startIn(where, [process.execPath, process.argv[1] ?? '', 'agent', 'helper', ...args.map(String)]);

/** Asks again and again, at most `seconds` long. */
export async function until<T>(
  what: string,
  seconds: number,
  pause: number,
  look: () => Promise<T | null> | T | null,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`no ${what} within ${seconds} s`);
    await sleep(pause);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export function removeNamespace({ name }: Namespace): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
  for (const pid of pids.split('\n').filter((line) => line !== '')) end(Number(pid));
  spawnSync('ip', ['netns', 'delete', name]);
  names.splice(names.indexOf(name), 1);
}

/** Ends every process that was started and removes every namespace. Does not wait, so that a signal can use it. */
export function removeAll(): void {
  for (const child of children) if (child.pid !== undefined) end(child.pid);
  for (const name of [...names]) removeNamespace({ name, sh: () => '' });
}
