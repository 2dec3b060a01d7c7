import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { Lab } from '../contract/lab.ts';
import type { ProbeResult } from '../contract/probe.ts';
import {
  checkRequest,
  execRequest,
  hostRequest,
  labChoice,
  labSource,
  ladderRequest,
  loadImageRequest,
  logsRequest,
  type PodRequest,
  podLogsRequest,
  podRequest,
  probeRequest,
  runRequest,
} from '../contract/request.ts';
import { failure, toFlatlandError } from './failure.ts';
import type { RunningCommand } from './host/connection.ts';
import { resourcesDirectory } from './host/sandbox/node.ts';
import { findHost, openLogs, runContainer, startCommand } from './lab/attend.ts';
import { checkLabFile } from './lab/check.ts';
import { describeLab } from './lab/describe.ts';
import { bringDown } from './lab/down.ts';
import { listLabs, readStatus } from './lab/inspect.ts';
import { measureLadder } from './lab/ladder.ts';
import { watchLab } from './lab/live/watch.ts';
import { loadImageInto } from './lab/load-image.ts';
import { actOnPod, imagesOf, openPodLogs } from './lab/pods.ts';
import { labFileOf, planOf } from './lab/prepare.ts';
import { type Connect, prove } from './lab/prove.ts';
import { reporter } from './lab/report.ts';
import { type Connections, chooseLab, type Installation, openConnections, openLab } from './lab/session.ts';
import { stopHost } from './lab/stop-host.ts';
import { bringUp } from './lab/up.ts';
import { watchLabs } from './lab/watch-labs.ts';
import { everyCell } from './probe/proof.ts';
import type { PodDeed } from './provision/docker.ts';
import { recordCalls } from './record-calls.ts';
import type { ExecStreams, Router } from './router.ts';

/**
 * The directory of what is built for other machines and for root. It is that of this module's bundle, or above it in the
 * desktop app; once that is packaged, its resources, since only Electron reads the archive that the bundle is in.
 */
function builtDirectory(): string {
  const own = dirname(fileURLToPath(import.meta.url));
  const resources = resourcesDirectory();
  const above = dirname(own);
  const places = [own, above, dirname(above), ...(resources === undefined ? [] : [resources])];
  return places.find((place) => existsSync(join(place, 'sandbox-root.cjs'))) ?? own;
}

/** What a lab is made with: the root program and the agent. */
export function installation(
  onFailure: (thrown: unknown) => void = () => {},
  directory = builtDirectory(),
): Installation {
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
  if (signal.aborted) kill();
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
export function createRouter(
  onFailure: (thrown: unknown) => void = () => {},
  own = installation(onFailure),
): Router {
  const pools = new Map<string, { readonly createdAt: string; readonly connections: Connections }>();
  const connectionsOf = async (name: string): Promise<Connections> => {
    const { record } = await openLab(name);
    const known = pools.get(name);
    if (known?.createdAt === record.createdAt) return known.connections;
    // Another door may have made the lab anew: its hosts are others, with other keys.
    const connections = openConnections(async () => (await openLab(name)).secrets);
    pools.set(name, { createdAt: record.createdAt, connections });
    await known?.connections.close();
    return connections;
  };
  /** A lab that exists, with the connections to its hosts. */
  const attend = async (choice: string | undefined): Promise<{ lab: Lab; connections: Connections }> => {
    const { record } = await openLab(choice);
    return { lab: record.lab, connections: await connectionsOf(record.lab.name) };
  };
  const connectWith =
    (connections: Connections, signal: AbortSignal): Connect =>
    (host) =>
      connections.get(host, signal, 3);
  const forget = async (name: string) => {
    const pool = pools.get(name);
    pools.delete(name);
    await pool?.connections.close();
  };
  const changePod = async (request: PodRequest, deed: PodDeed, signal: AbortSignal): Promise<void> => {
    const parsed = parseInput(podRequest, request);
    const { lab, connections } = await attend(parsed.lab);
    await actOnPod(lab, connections, parsed.pod, deed, signal);
  };
  const router: Router = {
    plan: async (source) => planOf(parseInput(labSource, source)),
    check: async (request) => checkLabFile(parseInput(checkRequest, request)),
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
    probe: async (request, sink, signal) => {
      const { lab: choice, selection = everyCell } = parseInput(probeRequest, request);
      const { lab, connections } = await attend(choice);
      const report = reporter(lab.name, 'probe', sink);
      report.planned([]);
      try {
        const onResult = (result: ProbeResult) =>
          sink({ type: 'probed', at: new Date().toISOString(), lab: lab.name, result });
        const proof = await prove(lab, connectWith(connections, signal), selection, onResult, signal);
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
    remeasure: async (request, sink, signal) => {
      const { lab: choice, selection = everyCell } = parseInput(probeRequest, request);
      const { lab, connections } = await attend(choice);
      await prove(lab, connectWith(connections, signal), selection, sink, signal);
    },
    ladder: async (request, sink, signal) => {
      const parsed = parseInput(ladderRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      return measureLadder(lab, connectWith(connections, signal), parsed, sink, signal);
    },
    list: listLabs,
    status: async (choice) => readStatus(parseInput(labChoice, choice).lab, connectionsOf),
    run: async (request, signal) => {
      const parsed = parseInput(runRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      return runContainer(lab, connections, parsed, signal);
    },
    stopPod: (request, signal) => changePod(request, 'stop', signal),
    startPod: (request, signal) => changePod(request, 'start', signal),
    removePod: (request, signal) => changePod(request, 'remove', signal),
    images: async (request, signal) => {
      const parsed = parseInput(hostRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      return imagesOf(lab, connections, parsed.host, signal);
    },
    loadImage: async (request, sink, signal) => {
      const parsed = parseInput(loadImageRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      await loadImageInto(lab, connections, parsed, sink, signal, onFailure);
    },
    podLogs: async (request, streams, signal) => {
      const parsed = parseInput(podLogsRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      return attach(await openPodLogs(lab, connections, parsed, signal), streams, signal);
    },
    exec: async (request, streams, signal) => {
      const parsed = parseInput(execRequest, request);
      const { lab, connections } = await attend(parsed.lab);
      const command = await startCommand(lab, connections, parsed, signal);
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
    describe: async (choice) => (await describeLab(parseInput(labChoice, choice).lab)).text,
    repair: async (choice, sink, signal) => {
      const { name, text } = await describeLab(parseInput(labChoice, choice).lab);
      await bringUp({ kind: 'file', path: `lab ${name}`, text }, own, sink, signal);
    },
    watchLabs,
    watch: async (choice, sink, signal) =>
      watchLab(await chooseLab(parseInput(labChoice, choice).lab), onFailure, sink, signal),
    stopHost: async (request, sink, signal) => {
      const { lab, host } = parseInput(hostRequest, request);
      await stopHost(lab, host, own, sink, signal);
    },
    close: async () => {
      await Promise.all([...pools.keys()].map(forget));
    },
  };
  return recordCalls(router, onFailure);
}
