import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { execRequest, labChoice, labSource, logsRequest, runRequest } from '../contract/request.ts';
import { failure, toFlatlandError } from './failure.ts';
import type { RunningCommand } from './host/connection.ts';
import { findHost, openLogs, runContainer, startCommand } from './lab/attend.ts';
import { bringDown } from './lab/down.ts';
import { listLabs, readStatus } from './lab/inspect.ts';
import { prove } from './lab/perform.ts';
import { labFileOf, planOf } from './lab/prepare.ts';
import { reporter } from './lab/report.ts';
import { type Connections, chooseLab, type Installation, openConnections, openLab } from './lab/session.ts';
import { bringUp } from './lab/up.ts';
import type { ExecStreams, Router } from './router.ts';

/** The built files lie beside each other: this module's bundle, the root program and the agent. */
export function installation(onFailure: (thrown: unknown) => void = () => {}): Installation {
  const directory = dirname(fileURLToPath(import.meta.url));
  let agent: Promise<{ script: Uint8Array; nativeModule: Uint8Array }> | null = null;
  const load = async () => {
    const [script, nativeModule] = await Promise.all(
      ['agent.cjs', 'koffi.node'].map((file) => readFile(join(directory, 'agent', file))),
    );
    if (script === undefined || nativeModule === undefined)
      throw failure('internal', 'The agent is not built.');
    return { script, nativeModule };
  };
  return {
    onFailure,
    rootProgram: join(directory, 'sandbox-root.cjs'),
    agent: () => {
      agent ??= load();
      return agent;
    },
  };
}

/** Parses what a door was given. Throws `input-invalid` with the first thing that is wrong. */
function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw failure('input-invalid', `${where}${issue?.message ?? 'not understood'}.`);
}

/** Joins a running command to a door's streams until it ends. */
async function attach(command: RunningCommand, streams: ExecStreams, signal: AbortSignal): Promise<number> {
  const kill = () => command.kill();
  signal.addEventListener('abort', kill, { once: true });
  streams.onResize?.((size) => command.resize(size));
  if (streams.input === null) command.stdin.end();
  else streams.input.pipe(command.stdin);
  command.stdout.pipe(streams.output, { end: false });
  command.stderr.pipe(streams.error, { end: false });
  try {
    return await command.exit;
  } finally {
    signal.removeEventListener('abort', kill);
    streams.input?.unpipe(command.stdin);
  }
}

/**
 * The router that every door uses. Its input is parsed here, whoever calls. `onFailure` gets what long work failed of, with
 * its causes: it is for the log, an event has what a user should see.
 */
export function createRouter(onFailure: (thrown: unknown) => void = () => {}): Router {
  const own = installation(onFailure);
  const pools = new Map<string, Promise<Connections>>();
  const connectionsOf = (name: string): Promise<Connections> => {
    const known = pools.get(name);
    if (known !== undefined) return known;
    const pool = openLab(name).then(({ secrets }) => openConnections(secrets));
    pools.set(name, pool);
    // Only what worked is kept.
    pool.catch(() => pools.delete(name));
    return pool;
  };
  const forget = async (name: string) => {
    const pool = pools.get(name);
    pools.delete(name);
    await pool?.then((connections) => connections.close()).catch(() => {});
  };
  return {
    plan: async (source) => planOf(parseInput(labSource, source)),
    up: async (source, sink, signal) => {
      const parsed = parseInput(labSource, source);
      // Its hosts may be others afterwards, with other keys.
      await forget(labFileOf(parsed).name);
      await bringUp(parsed, own, sink, signal);
    },
    down: async (choice, sink) => {
      const name = await chooseLab(parseInput(labChoice, choice).lab);
      await forget(name);
      await bringDown(name, own, sink);
    },
    probe: async (choice, sink, signal) => {
      const { record } = await openLab(parseInput(labChoice, choice).lab);
      const { lab } = record;
      const connections = await connectionsOf(lab.name);
      const report = reporter(lab.name, 'probe', sink);
      report.planned([]);
      try {
        const onResult = (result: Parameters<Parameters<typeof prove>[2]>[0]) =>
          sink({ type: 'probed', at: new Date().toISOString(), lab: lab.name, result });
        const proof = await prove(lab, (host) => connections.get(host, signal, 3), onResult, signal);
        const red = proof.cells - proof.greenCells;
        if (red === 0) report.finished('done', proof, null);
        else
          report.finished(
            'failed',
            proof,
            failure('proof-red', `${red} of ${proof.cells} probes are red.`).error,
          );
      } catch (thrown) {
        onFailure(thrown);
        report.finished(signal.aborted ? 'cancelled' : 'failed', null, toFlatlandError(thrown));
      }
    },
    list: listLabs,
    status: async (choice) => readStatus(parseInput(labChoice, choice).lab, connectionsOf),
    run: async (request, signal) => {
      const parsed = parseInput(runRequest, request);
      const { record } = await openLab(parsed.lab);
      return runContainer(record.lab, await connectionsOf(record.lab.name), parsed, signal);
    },
    exec: async (request, streams, signal) => {
      const parsed = parseInput(execRequest, request);
      const { record } = await openLab(parsed.lab);
      const command = await startCommand(record.lab, await connectionsOf(record.lab.name), parsed, signal);
      return attach(command, streams, signal);
    },
    logs: async (request, streams, signal) => {
      const parsed = parseInput(logsRequest, request);
      const { record } = await openLab(parsed.lab);
      findHost(record.lab, parsed.host);
      const source = await openLogs(record.lab, await connectionsOf(record.lab.name), parsed, signal);
      if (source.kind === 'command') return attach(source.command, streams, signal);
      const follow = parsed.follow ? ['--follow'] : [];
      const tail = spawn('tail', [`--lines=${parsed.lines}`, ...follow, source.path], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      signal.addEventListener('abort', () => tail.kill(), { once: true });
      await pipeline(tail.stdout, streams.output, { end: false });
      return 0;
    },
    close: async () => {
      await Promise.all([...pools.keys()].map(forget));
    },
  };
}
