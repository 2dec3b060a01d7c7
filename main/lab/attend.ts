import type { Host, Lab, Pod } from '../../contract/lab.ts';
import { builtInImage } from '../../contract/lab.ts';
import type { ExecRequest, LogsRequest, RunRequest } from '../../contract/request.ts';
import type { PodStatus } from '../../contract/status.ts';
import { failure } from '../failure.ts';
import type { Connection, RunningCommand } from '../host/connection.ts';
import { consoleLog } from '../host/sandbox/paths.ts';
import { dockerOf, ensurePod, listPods, ownLabels, type RunningPod } from '../provision/docker.ts';
import { ensureImage } from '../provision/image.ts';
import { agentService, dockerService, etcdService } from '../provision/service.ts';
import type { Connections } from './session.ts';

export function findHost(lab: Lab, name: string): Host {
  const host = lab.hosts.find((entry) => entry.name === name);
  if (host !== undefined) return host;
  const known = lab.hosts.map((entry) => entry.name).join(', ');
  throw failure(
    'host-unknown',
    `There is no host ${JSON.stringify(name)} in lab ${lab.name}; it has ${known}.`,
  );
}

/** A pod where it runs: the connection to its host, and the container. */
interface FoundPod {
  readonly connection: Connection;
  readonly pod: RunningPod;
}

/** Looks for a pod by its name, on the host that the lab file says, else on all. Answers also which hosts could not be asked. */
async function searchPod(
  lab: Lab,
  connections: Connections,
  name: string,
  signal: AbortSignal,
): Promise<{ found: FoundPod | null; silent: { host: Host; reason: unknown }[] }> {
  const declared = lab.pods.find((pod) => pod.name === name);
  const candidates = declared === undefined ? lab.hosts : [findHost(lab, declared.host)];
  const silent: { host: Host; reason: unknown }[] = [];
  const found = await Promise.all(
    candidates.map(async (host) => {
      try {
        const connection = await connections.get(host, signal, 5);
        const pods = await listPods(dockerOf(connection), host.name, signal);
        const pod = pods.find(({ status }) => status.name === name);
        return pod === undefined ? null : { connection, pod };
      } catch (reason) {
        signal.throwIfAborted();
        silent.push({ host, reason });
        return null;
      }
    }),
  );
  return { found: found.find((entry) => entry !== null) ?? null, silent };
}

/**
 * Finds a pod by its name, wherever it runs. Rejects with `host-unknown` when no host that answers has it, and with what
 * its host fails of when it can only be there.
 */
export async function findPod(
  lab: Lab,
  connections: Connections,
  name: string,
  signal: AbortSignal,
  kind: 'pod' | 'host or pod' = 'pod',
): Promise<FoundPod> {
  if (lab.hosts.some((host) => host.name === name)) {
    throw failure('host-unknown', `${name} is a host of lab ${lab.name}, not a pod.`, {
      hint: 'Name one of its pods; the log of a host also needs the name of a service.',
    });
  }
  const { found, silent } = await searchPod(lab, connections, name, signal);
  if (found !== null) return found;
  const [first] = silent;
  if (first !== undefined && lab.pods.some((pod) => pod.name === name)) throw first.reason;
  const others = silent.map(({ host }) => host.name).join(', ');
  const doubt = silent.length === 0 ? '' : ` (${others} could not be asked)`;
  throw failure('host-unknown', `There is no ${kind} ${JSON.stringify(name)} in lab ${lab.name}${doubt}.`);
}

/** Starts a test container on a host, with an overlay address of its own. Names are unique among a lab's hosts and pods. */
export async function runContainer(
  lab: Lab,
  connections: Connections,
  request: RunRequest,
  signal: AbortSignal,
): Promise<PodStatus> {
  const host = findHost(lab, request.host);
  const connection = await connections.get(host, signal, 5);
  const docker = dockerOf(connection);
  const image = request.image ?? builtInImage;
  const { name } = request;
  const isTaken = async (wanted: string) =>
    [...lab.hosts, ...lab.pods].some((entry) => entry.name === wanted) ||
    (await searchPod(lab, connections, wanted, signal)).found !== null;
  if (name !== undefined && (await isTaken(name))) {
    throw failure('resource-taken', `There is a host or pod ${name} already.`, {
      hint: 'Choose another name.',
    });
  }
  const own = Object.keys(request.labels ?? {}).filter((key) => key.startsWith(ownLabels));
  if (own.length > 0) {
    throw failure(
      'input-invalid',
      `Labels that begin with ${ownLabels} are Flatland's own: ${own.join(', ')}.`,
    );
  }
  await ensureImage(connection, image, { signal, progress: () => {} });
  const taken = new Set((await listPods(docker, host.name, signal)).map(({ status }) => status.name));
  const free = () => {
    for (let number = 1; ; number += 1)
      if (!taken.has(`${host.name}-run-${number}`)) return `${host.name}-run-${number}`;
  };
  const pod: Pod = {
    name: name ?? free(),
    host: host.name,
    image,
    command: request.command ?? null,
    // The built-in image serves HTTP, unless it is told to do something else.
    ports: image === builtInImage && request.command === undefined ? [80] : [],
    labels: request.labels ?? {},
  };
  return (await ensurePod(docker, lab.name, pod, false, signal)).pod.status;
}

/** Finds the host, or the host and container of the pod, that a name means. */
async function findTarget(
  lab: Lab,
  connections: Connections,
  name: string,
  signal: AbortSignal,
): Promise<{ connection: Connection; container: string | null }> {
  const host = lab.hosts.find((entry) => entry.name === name);
  if (host !== undefined) return { connection: await connections.get(host, signal, 5), container: null };
  const { connection, pod } = await findPod(lab, connections, name, signal, 'host or pod');
  return { connection, container: pod.id };
}

/** Starts a command on a host or in a pod; with a pod it goes through `docker exec` on the pod's host. */
export async function startCommand(
  lab: Lab,
  connections: Connections,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<RunningCommand> {
  const { connection, container } = await findTarget(lab, connections, request.target, signal);
  const options = request.terminal === null ? {} : { terminal: request.terminal };
  if (container === null) return connection.start(request.command, options);
  const command = request.command.length === 0 ? ['sh'] : request.command;
  const flags = request.terminal === null ? ['-i'] : ['-i', '-t'];
  return connection.start(['docker', 'exec', ...flags, container, ...command], options);
}

const services = [etcdService, agentService, dockerService];

export type LogSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: RunningCommand };

/** Where a service's log is read: a host's console is a file of this machine, all else is the host's journal. */
export async function openLogs(
  lab: Lab,
  connections: Connections,
  request: LogsRequest,
  signal: AbortSignal,
): Promise<LogSource> {
  const host = findHost(lab, request.host);
  if (request.service === 'console') return { kind: 'file', path: consoleLog(lab.id, host.name) };
  const connection = await connections.get(host, signal, 5);
  const unit = services.find(({ log }) => log === request.service)?.unit ?? request.service;
  const follow = request.follow ? ['--follow'] : [];
  const command = await connection.start([
    'journalctl',
    `--unit=${unit}`,
    '--no-pager',
    '--output=short-iso-precise',
    `--lines=${request.lines}`,
    ...follow,
  ]);
  return { kind: 'command', command };
}
