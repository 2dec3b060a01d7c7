import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { makeDockerOptions } from './docker-options-script.ts';
import { readInherited } from './inherited.ts';
import { removeLeftovers } from './kernel/cleanup.ts';
import { openNotifier } from './notify.ts';
import { type Options, parseCommand } from './options.ts';
import { reasonOf } from './reason.ts';
import { runAgent } from './run.ts';
import { savedStateFile } from './saved-state.ts';
import { createBoard } from './status/board.ts';
import { serveStatus } from './status/serve.ts';
import { version } from './version.ts';

/** How long a stop may take before the process ends anyway; a service manager would kill it, but much later. */
const stopMilliseconds = 5000;

/**
 * One line an event; the journal adds time and unit. What came from etcd must not be able to write escape sequences.
 */
const log = (line: string): void => {
  process.stderr.write(`${line.replace(/\s*\n\s*/g, ' / ').replace(/\p{Cc}/gu, '?')}\n`);
};

/** Runs until a signal says stop: exit code 0; or until something that can't heal: 1, as flanneld does. */
async function run(options: Options): Promise<number> {
  const stop = new AbortController();
  // Every wait listens to it, and there may well be more than ten at a time.
  setMaxListeners(0, stop.signal);
  const inherited = readInherited(process.env, process.pid);
  const notifier = await openNotifier(process.env, log);
  const board = createBoard(version);
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(1);
    log(`stopping: ${name}`);
    board.update({ phase: 'stopping', waitingFor: null });
    notifier.stopping();
    stop.abort();
    const late = () => {
      log(`not stopped within ${stopMilliseconds / 1000} s; ending all the same`);
      process.exit(1);
    };
    setTimeout(late, stopMilliseconds).unref();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const { healthzIp, healthzPort, statusSocket } = options;
  let server: { close(): Promise<void> } | null = null;
  try {
    const health = healthzPort === 0 ? null : { ip: healthzIp, port: healthzPort };
    server = await serveStatus(board, { socket: statusSocket, health });
    return await runAgent({ options, signal: stop.signal, log, board, notifier, inherited });
  } catch (error) {
    if (stop.signal.aborted) return 0;
    log(`cannot go on: ${reasonOf(error)}`);
    return 1;
  } finally {
    await server?.close();
  }
}

async function cleanup(subnetFile: string): Promise<number> {
  try {
    await rm(savedStateFile(subnetFile), { force: true });
    const removed = await removeLeftovers();
    log(removed.length === 0 ? 'nothing was left' : `removed ${removed.join(', ')}`);
    return 0;
  } catch (error) {
    log(`cleanup failed: ${reasonOf(error)}`);
    return 1;
  }
}

/** The whole program: resolves to its exit code. */
export async function main(): Promise<number> {
  // A journal that restarts must not take us with it.
  process.stderr.on('error', () => {});
  // Node's advice to developers is no business of a host's journal.
  process.noDeprecation = true;
  process.on('uncaughtException', (error) => {
    log(`a bug ends the agent: ${error.stack ?? error.message}`);
    process.exit(1);
  });
  const [first, ...rest] = process.argv.slice(2);
  // The script's flags are not flanneld's.
  if (first === 'mk-docker-opts') return makeDockerOptions(rest, (text) => process.stderr.write(text));
  const command = parseCommand(process.argv.slice(2), process.env);
  switch (command.kind) {
    case 'refused':
      log(command.message);
      return command.exit;
    case 'help':
      process.stdout.write(command.text);
      return 0;
    case 'version':
      process.stdout.write(`${version}\n`);
      return 0;
    case 'cleanup':
      return cleanup(command.subnetFile);
    case 'run':
      for (const warning of command.warnings) log(warning);
      return run(command.options);
  }
}
