import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Failure, failure } from '../../failure.ts';
import { findProgram, nodeProgram } from './node.ts';
import { type Performed, type RootReply, rootReply, type Verb } from './verbs.ts';

/** A running root program: `perform` sends one verb and resolves to what it did. */
export interface RootSession {
  perform(verb: Verb): Promise<Performed>;
  close(): void;
}

/**
 * How the root program is started: directly by root, through sudo, which asks at the terminal once if it has to, or by
 * pkexec(1), whose question is a dialog of the desktop.
 */
type RootAccess = 'direct' | 'sudo' | 'pkexec';

const usualAccess = (): RootAccess => (process.getuid?.() === 0 ? 'direct' : 'sudo');

function rootCommand(program: string, access: RootAccess): [string, string[]] {
  const node = nodeProgram();
  switch (access) {
    case 'direct':
      return [node, [program]];
    case 'sudo':
      return ['sudo', ['--', node, program]];
    case 'pkexec':
      return ['pkexec', [node, program]];
  }
}

/** Whether a dialog can ask: a door in a terminal asks there. */
const hasDialog = (): boolean => process.versions['electron'] !== undefined && findProgram('pkexec') !== null;

/** Runs sudo to its end and says whether it did what it was asked. Only `interactive` may ask for a password, at the terminal. */
const sudo = (args: readonly string[], interactive: boolean): Promise<'done' | 'refused' | 'absent'> =>
  new Promise((resolve) => {
    const child = spawn('sudo', args, { stdio: interactive ? 'inherit' : 'ignore' });
    child.on('error', () => resolve('absent'));
    child.on('exit', (code) => resolve(code === 0 ? 'done' : 'refused'));
  });

/** Makes sure that the root program can be started: sudo asks for its password now, before a door draws on the terminal. */
export async function obtainRoot(): Promise<RootAccess> {
  if (process.getuid?.() === 0) return 'direct';
  const silent = await sudo(['-n', 'true'], false);
  if (silent === 'done') return 'sudo';
  if (hasDialog()) return 'pkexec';
  if (silent === 'refused' && process.stdin.isTTY && (await sudo(['-v'], true)) === 'done') return 'sudo';
  const why = silent === 'absent' ? 'this machine has no sudo' : 'sudo does not let this user';
  throw failure('root-needed', `Sandbox hosts are started by root, and ${why}.`);
}

const translate = (verb: Verb, message: string): Failure => {
  if (/No space left on device|ENOSPC/.test(message))
    return failure('disk-full', `No disk space left: ${message}`);
  if (/File exists|EEXIST|Address already in use/.test(message)) {
    return failure('resource-taken', `Something on this machine already has that name: ${message}`);
  }
  if (verb.verb === 'start-host')
    return failure('host-start-failed', `Host ${verb.host} could not be started: ${message}`);
  return failure('internal', `${verb.verb}: ${message}`);
};

/** A line that is no reply is a stray remark, of sudo perhaps. */
function parseReply(line: string): RootReply | null {
  try {
    return rootReply.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** Starts the root program (a bundled script) and speaks its line protocol. It ends by itself when the session closes. */
export function openRootSession(program: string, access: RootAccess = usualAccess()): RootSession {
  const waiting = new Map<
    number,
    { verb: Verb; resolve: (performed: Performed) => void; reject: (error: Failure) => void }
  >();
  let nextId = 1;
  let complaint = '';

  const lost = (reason: string) => {
    child = null;
    const error = failure('root-needed', `The part of Flatland that runs as root did not run: ${reason}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  const start = (): ChildProcess => {
    const [file, args] = rootCommand(program, access);
    // sudo asks for the password at the controlling terminal, so the program stays in this session; it ignores Ctrl-C itself.
    const started = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    started.on('error', (error) => lost(error.message));
    started.on('close', () => lost(complaint.trim() || 'it ended'));
    started.stdin.on('error', () => {});
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500);
    });
    createInterface({ input: started.stdout }).on('line', (line) => {
      const reply = parseReply(line);
      if (reply === null) return;
      const entry = waiting.get(reply.id);
      if (entry === undefined) return;
      waiting.delete(reply.id);
      if (reply.outcome === 'done') entry.resolve(reply);
      else entry.reject(translate(entry.verb, reply.message));
    });
    return started;
  };

  // It takes a tenth of a second to start, which it does while the first request is decided.
  let child: ChildProcess | null = start();
  return {
    perform(verb) {
      child ??= start();
      const id = nextId;
      nextId += 1;
      const running = child;
      return new Promise((resolve, reject) => {
        waiting.set(id, { verb, resolve, reject });
        running.stdin?.write(`${JSON.stringify({ id, request: verb })}\n`);
      });
    },
    close() {
      child?.stdin?.end();
    },
  };
}
