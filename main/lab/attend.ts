import type { Host, Lab, Pod } from '../../contract/lab.ts';
import { builtInImage } from '../../contract/lab.ts';
import type { ExecRequest, LogsRequest, RunRequest } from '../../contract/request.ts';
import type { PodStatus } from '../../contract/status.ts';
import { failure } from '../failure.ts';
import type { Connection, RunningCommand } from '../host/connection.ts';
import { consoleLog } from '../host/sandbox/paths.ts';
import { dockerOf, ensurePod, listPods } from '../provision/docker.ts';
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

/** Starts a test container on a host, with an overlay address of its own. */
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
  await ensureImage(connection, image, { signal, progress: () => {} });
  const taken = new Set((await listPods(docker, host.name, signal)).map(({ status }) => status.name));
  if (
    request.name !== undefined &&
    (taken.has(request.name) || lab.pods.some(({ name }) => name === request.name))
  ) {
    throw failure('resource-taken', `There is a pod ${request.name} already.`, {
      hint: 'Choose another name.',
    });
  }
  const free = () => {
    for (let number = 1; ; number += 1)
      if (!taken.has(`${host.name}-run-${number}`)) return `${host.name}-run-${number}`;
  };
  const pod: Pod = {
    name: request.name ?? free(),
    host: host.name,
    image,
    command: request.command ?? null,
    ports: image === builtInImage ? [80] : [],
    labels: {},
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
  const declared = lab.pods.find((pod) => pod.name === name);
  const candidates =
    declared === undefined ? lab.hosts : lab.hosts.filter((entry) => entry.name === declared.host);
  const found = await Promise.all(
    candidates.map(async (candidate) => {
      const connection = await connections.get(candidate, signal, 5).catch(() => null);
      if (connection === null) return null;
      const pods = await listPods(dockerOf(connection), candidate.name, signal).catch(() => []);
      const pod = pods.find(({ status }) => status.name === name);
      return pod === undefined ? null : { connection, container: pod.id };
    }),
  );
  const target = found.find((entry) => entry !== null);
  if (target) return target;
  throw failure('host-unknown', `There is no host or pod ${JSON.stringify(name)} in lab ${lab.name}.`);
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
