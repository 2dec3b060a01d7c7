import { podLogsRequest } from '../../../contract/request.ts';
import { failure } from '../../failure.ts';
import type { ExecStreams, Router } from '../../router.ts';
import { watchSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { line, span } from './text.ts';

export interface ExecArguments {
  readonly lab: string | undefined;
  readonly target: string;
  readonly command: readonly string[];
  /** undefined: a terminal when there is one here. */
  readonly tty: boolean | undefined;
}

/** Passes every key to the other side until the returned function is called, and always before this process ends. */
function rawMode(): () => void {
  const { stdin } = process;
  const restore = () => stdin.setRawMode(false);
  stdin.setRawMode(true);
  process.once('exit', restore);
  return () => {
    process.off('exit', restore);
    restore();
  };
}

/** Runs a command on a host or in a pod; resolves to its exit code. An empty command is a login shell. */
export async function exec(router: Router, asked: ExecArguments): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const here = stdin.isTTY === true && stdout.isTTY === true;
  const tty = asked.tty ?? here;
  if (tty && !here)
    throw failure('input-invalid', 'A terminal was asked for, but input and output here are no terminal.', {
      hint: 'Leave --tty out.',
    });
  const terminal = tty
    ? { columns: stdout.columns, rows: stdout.rows, type: process.env['TERM'] || 'xterm' }
    : null;
  const { signal, stop } = watchSignals({ first: () => {}, second: () => process.exit(130) });
  const listeners: (() => void)[] = [];
  const streams: ExecStreams = {
    input: stdin,
    output: stdout,
    error: stderr,
    onResize: (listener) => {
      const resized = () => listener({ columns: stdout.columns, rows: stdout.rows });
      stdout.on('resize', resized);
      listeners.push(() => stdout.off('resize', resized));
    },
  };
  const restore = tty ? rawMode() : () => {};
  try {
    return await router.exec(
      { lab: asked.lab, target: asked.target, command: [...asked.command], terminal },
      streams,
      signal,
    );
  } catch (thrown) {
    // A command that was ended by a signal has said all there is to say.
    if (signal.aborted) return 130;
    throw thrown;
  } finally {
    restore();
    for (const off of listeners) off();
    stop();
    stdin.destroy();
  }
}

/** Shows the log of a service of a host, or, with no service named, what a pod printed. */
export async function logs(
  router: Router,
  asked: {
    readonly lab: string | undefined;
    readonly host: string;
    readonly service: string | undefined;
    readonly follow: boolean;
    readonly lines: number;
  },
): Promise<number> {
  const { signal, stop } = watchSignals({ first: () => {}, second: () => process.exit(130) });
  const streams: ExecStreams = { input: null, output: process.stdout, error: process.stderr };
  try {
    const { lab, host, service, follow, lines } = asked;
    if (service === undefined) {
      const most = Math.min(lines, podLogsRequest.shape.lines.maxValue ?? lines);
      return await router.podLogs({ lab, pod: host, follow, lines: most }, streams, signal);
    }
    return await router.logs({ lab, host, service, follow, lines }, streams, signal);
  } catch (thrown) {
    if (signal.aborted) return 130;
    throw thrown;
  } finally {
    stop();
  }
}

export async function run(
  router: Router,
  terminal: Terminal,
  asked: {
    readonly lab: string | undefined;
    readonly host: string;
    readonly image: string | undefined;
    readonly name: string | undefined;
    readonly labels: Readonly<Record<string, string>>;
    readonly command: readonly string[];
  },
): Promise<number> {
  const { lab, host, image, name, labels, command } = asked;
  const { signal, stop } = watchSignals({ first: () => {}, second: () => process.exit(130) });
  try {
    const own = command.length === 0 ? {} : { command: [...command] };
    const pod = await router.run({ lab, host, image, name, labels: { ...labels }, ...own }, signal);
    if (terminal.json) terminal.printJson(pod);
    else
      terminal.print([
        line(
          span('✓', 'good'),
          ' pod ',
          span(pod.name, 'strong'),
          ` runs on ${pod.host} at `,
          span(pod.address ?? 'no address', 'accent'),
        ),
      ]);
    return 0;
  } finally {
    stop();
  }
}
