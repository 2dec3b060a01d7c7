import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Task } from '../../../contract/task.ts';
import { stateDirectory } from '../../lab/state.ts';
import type { Router } from '../../router.ts';
import { createScreens } from '../../rpc/create-screens.ts';
import { sessionKey } from '../web/key.ts';
import { openWebDoor, type WebDoor } from '../web/serve.ts';
import { causeChain, readJournal, writeJournal } from './journal.ts';
import type { Terminal } from './terminal.ts';
import { line, span } from './text.ts';

const usualPort = 7117;

export interface UiArguments {
  readonly port: number | undefined;
  readonly open: boolean;
}

/** The program that opens a link on the user's desktop; null where there is no desktop to be seen. Pure. */
export function opener(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): readonly string[] | null {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['cmd', '/c', 'start', ''];
  const display = environment['DISPLAY'] ?? environment['WAYLAND_DISPLAY'] ?? '';
  return display === '' ? null : ['xdg-open'];
}

/** Opens a link, or does nothing: the link is printed as well. */
function openLink(link: string): void {
  const command = opener(process.platform, process.env);
  if (command === null) return;
  const [program = '', ...words] = command;
  const child = spawn(program, [...words, link], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

const running = (tasks: readonly Task[]) =>
  tasks.filter(({ state }) => state === 'running' || state === 'cancelling');

/** What the first Ctrl-C says of tasks that would be cancelled by the second. Pure. */
export function whatRuns(tasks: readonly Task[]): string {
  const titles = running(tasks).map(({ title }) => title);
  return `Still at work: ${titles.join(', ')}. Ctrl-C again cancels that, takes it back and ends.`;
}

/** Resolves when the user wants to end: with Ctrl-C, or twice while something still runs. */
function untilStopped(tasks: () => readonly Task[], say: (text: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const heed = (signal: NodeJS.Signals) => {
      count += 1;
      if (count > 2) process.exit(130);
      // A closed terminal and a system that shuts down do not ask twice.
      if (count === 1 && signal === 'SIGINT' && running(tasks()).length > 0) say(whatRuns(tasks()));
      else {
        count = 2;
        resolve();
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heed);
  });
}

/** Prints a fresh link whenever Enter is pressed, for another browser. */
function listenForEnter(door: WebDoor, terminal: Terminal): void {
  if (!process.stdin.isTTY) return;
  process.stdin.on('data', () => terminal.print([line('  ', span(door.link(), 'accent'))]));
  process.stdin.unref();
}

/** Serves the screens to browsers of this machine until it is stopped; resolves to the exit code. */
export async function ui(
  router: Router,
  terminal: Terminal,
  { port, open }: UiArguments,
  { files, version }: { readonly files: string; readonly version: string },
): Promise<number> {
  const onFailure = (thrown: unknown) => writeJournal(`ui: ${causeChain(thrown)}`);
  const screens = createScreens({ router, version, onFailure, readLog: readJournal });
  try {
    const door = await openWebDoor({
      screens,
      files,
      port: port ?? usualPort,
      exactPort: port !== undefined,
      key: await sessionKey(join(stateDirectory(), 'web.key')),
      onFailure,
    });
    const link = door.link();
    if (port === undefined && door.port !== usualPort)
      terminal.say([
        line(span(`Port ${usualPort} is in use by something else, so this is ${door.port}.`, 'dim')),
      ]);
    terminal.print([line('Flatland is at ', span(link, 'accent'))]);
    terminal.say([
      line(
        span(
          process.stdin.isTTY
            ? 'The link is good for one browser. Enter prints another one, Ctrl-C ends; labs stay up.'
            : 'The link is good for one browser. Labs stay up when this ends.',
          'dim',
        ),
      ),
    ]);
    if (open) openLink(link);
    listenForEnter(door, terminal);
    await untilStopped(screens.tasks, (text) => terminal.say([line(span(text, 'caution'))]));
    await door.close();
  } finally {
    await screens.close();
  }
  return 0;
}
