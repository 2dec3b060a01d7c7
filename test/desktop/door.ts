import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that serves the screens; its link lets a browser in. */
export interface Door {
  readonly link: string;
  readonly origin: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it, and resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a program that prints the link to its screens as soon as they are there. */
export async function startDoor(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Door> {
  const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const link = /http:\/\/\S+/.exec(line)?.[0];
    if (link === undefined || child.pid === undefined) continue;
    const { origin, port } = new URL(link);
    return {
      link,
      origin,
      port: Number(port),
      pid: child.pid,
      async end(signal) {
        child.kill(signal);
        await ended;
      },
    };
  }
  throw new Error(`${program} ${args.join(' ')} ended before it printed its link`);
}
