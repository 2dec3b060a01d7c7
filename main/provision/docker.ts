import Docker from 'dockerode';
import { z } from 'zod';
import type { Pod } from '../../contract/lab.ts';
import type { PodStatus } from '../../contract/status.ts';
import { raceAbort } from '../abort.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { dockerOptionsFile } from './agent.ts';
import { dockerService, startService } from './service.ts';

const socket = '/run/docker.sock';

export type DockerClient = Docker;

/** Docker of a host, through the connection's tunnel to its socket. */
export function dockerOf(connection: Connection): DockerClient {
  const options = {
    protocol: 'http' as const,
    host: 'docker',
    port: 80,
    agent: connection.httpAgent(socket),
  };
  return new Docker(options);
}

/**
 * Starts Docker with the options of the host's lease, and restarts it only when it runs with others.
 * Answers whether anything had to be done.
 */
export async function ensureDocker(
  connection: Connection,
  context: { signal: AbortSignal; log: (line: string) => void },
): Promise<'changed' | 'unchanged'> {
  // dockerd's command line is compared with the file that the agent wrote: the options are in it word by word.
  const state = await connection.script(
    `. ${dockerOptionsFile} || exit 1
pid=$(systemctl show --property MainPID --value ${dockerService.unit})
if [ "$pid" = 0 ]; then echo stopped
elif tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -qF -e "$(echo $DOCKER_OPTS)"; then echo same
else echo different; fi`,
    [],
    { signal: context.signal, deadlineSeconds: 10 },
  );
  const word = state.stdout.trim();
  if (word === 'same') return 'unchanged';
  await startService(connection, dockerService, word === 'stopped' ? 'start' : 'restart', context);
  return 'changed';
}

/** `bip` and `mtu` of the lease in the text of the options file that the agent writes for Docker. */
export function parseDockerOptions(text: string): { bip: string | null; mtu: number | null } {
  const mtu = /--mtu=(\d+)/.exec(text)?.[1];
  return { bip: /--bip=([\d./]+)/.exec(text)?.[1] ?? null, mtu: mtu === undefined ? null : Number(mtu) };
}

/** `bip` and `mtu` of the lease, as Docker was started with them. */
export const readDockerOptions = async (connection: Connection) =>
  parseDockerOptions((await connection.read(dockerOptionsFile))?.toString('utf8') ?? '');

export async function dockerVersion(docker: DockerClient): Promise<string> {
  return z.object({ Version: z.string() }).parse(await docker.version()).Version;
}

/** What the names of labels begin with that Flatland itself gives a container. */
export const ownLabels = 'flatland.';

const label = {
  lab: `${ownLabels}lab`,
  pod: `${ownLabels}pod`,
  declared: `${ownLabels}declared`,
  specification: `${ownLabels}specification`,
};

const inspection = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({ Status: z.string(), Pid: z.int() }),
  Config: z.object({
    Image: z.string(),
    Cmd: z.array(z.string()).nullable(),
    Labels: z.record(z.string(), z.string()).nullable(),
  }),
  NetworkSettings: z.object({ IPAddress: z.string() }),
});

/** A pod as its host runs it. `pid` is the first process of the container, as the host numbers it; 0 when it does not run. */
export interface RunningPod {
  readonly id: string;
  readonly pid: number;
  readonly status: PodStatus;
  readonly specification: string | null;
}

function toRunningPod(host: string, value: unknown): RunningPod | null {
  const parsed = inspection.safeParse(value);
  if (!parsed.success) return null;
  const { Id, Name, State, Config, NetworkSettings } = parsed.data;
  const labels = Config.Labels ?? {};
  const name = labels[label.pod];
  if (name === undefined) return null;
  const specification = labels[label.specification] ?? null;
  const own = z.object({ ports: z.array(z.int()) }).safeParse(parseJson(specification ?? '{}'));
  return {
    id: Id,
    pid: State.Pid,
    specification,
    status: {
      name: name === '' ? Name.replace(/^\//, '') : name,
      host,
      image: Config.Image,
      command: Config.Cmd,
      ports: own.success ? own.data.ports : [],
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith(ownLabels))),
      state: State.Status === 'running' ? 'running' : 'exited',
      address: NetworkSettings.IPAddress === '' ? null : NetworkSettings.IPAddress,
      declared: labels[label.declared] === 'yes',
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readPods(docker: DockerClient, host: string, abortSignal: AbortSignal): Promise<RunningPod[]> {
  const filters = { label: [label.pod] };
  const containers = await docker.listContainers({ all: true, filters, abortSignal });
  const inspected = await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).inspect({ abortSignal })),
  );
  return inspected.flatMap((value) => toRunningPod(host, value) ?? []);
}

/** All pods that Flatland started on a host, running or not. */
export const listPods = (docker: DockerClient, host: string, signal: AbortSignal): Promise<RunningPod[]> =>
  // dockerode says nothing at all when a request is aborted while its answer comes in.
  raceAbort(readPods(docker, host, signal), signal);

/** Everything of a pod that, when it changes, means another container. */
const specificationOf = (pod: Pod): string =>
  JSON.stringify({ image: pod.image, command: pod.command, ports: pod.ports, labels: pod.labels });

async function startContainer(
  docker: DockerClient,
  lab: string,
  pod: Pod,
  declared: boolean,
  abortSignal: AbortSignal,
): Promise<RunningPod> {
  const container = await docker.createContainer({
    abortSignal,
    name: pod.name,
    Hostname: pod.name,
    Image: pod.image,
    ...(pod.command === null ? {} : { Cmd: pod.command }),
    Labels: {
      ...pod.labels,
      [label.lab]: lab,
      [label.pod]: pod.name,
      [label.declared]: declared ? 'yes' : 'no',
      [label.specification]: specificationOf(pod),
    },
    HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
  });
  await container.start({ abortSignal });
  const started = toRunningPod(pod.host, await container.inspect({ abortSignal }));
  if (started === null) throw new Error('Docker answered in an unknown form');
  return started;
}

interface EnsuredPod {
  readonly outcome: 'changed' | 'unchanged';
  readonly pod: RunningPod;
}

async function makeSure(
  docker: DockerClient,
  lab: string,
  pod: Pod,
  declared: boolean,
  abortSignal: AbortSignal,
): Promise<EnsuredPod> {
  const pods = await listPods(docker, pod.host, abortSignal);
  const present = pods.find(({ status }) => status.name === pod.name);
  if (present !== undefined && present.specification === specificationOf(pod)) {
    if (present.status.state === 'running') return { outcome: 'unchanged', pod: present };
    const container = docker.getContainer(present.id);
    await container.start({ abortSignal });
    const restarted = toRunningPod(pod.host, await container.inspect({ abortSignal }));
    if (restarted !== null) return { outcome: 'changed', pod: restarted };
  }
  if (present !== undefined) await docker.getContainer(present.id).remove({ force: true, abortSignal });
  return { outcome: 'changed', pod: await startContainer(docker, lab, pod, declared, abortSignal) };
}

/**
 * Makes a pod run as it is described: left alone when it does, started when it stopped, replaced when it differs.
 * Rejects with `pod-failed` and Docker's own words.
 */
export async function ensurePod(
  docker: DockerClient,
  lab: string,
  pod: Pod,
  declared: boolean,
  signal: AbortSignal,
): Promise<EnsuredPod> {
  try {
    return await raceAbort(makeSure(docker, lab, pod, declared, signal), signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw failure('pod-failed', `Pod ${pod.name} did not start on ${pod.host}: ${dockerWords(cause)}`, {
      cause,
    });
  }
}

/** Removes pods of a host by name; answers how many there were. */
export async function removePods(
  docker: DockerClient,
  host: string,
  names: readonly string[],
  abortSignal: AbortSignal,
): Promise<number> {
  const pods = (await listPods(docker, host, abortSignal)).filter(({ status }) =>
    names.includes(status.name),
  );
  const removals = pods.map(({ id }) => docker.getContainer(id).remove({ force: true, abortSignal }));
  await raceAbort(Promise.all(removals), abortSignal);
  return pods.length;
}

/** What can be done to a container that is there, and the word for it. */
const deeds = {
  /** SIGTERM, and SIGKILL five seconds later. */
  stop: {
    done: 'stopped',
    perform: (container: Docker.Container, abortSignal: AbortSignal) => container.stop({ t: 5, abortSignal }),
  },
  start: {
    done: 'started',
    perform: (container: Docker.Container, abortSignal: AbortSignal) => container.start({ abortSignal }),
  },
  remove: {
    done: 'removed',
    perform: (container: Docker.Container, abortSignal: AbortSignal) =>
      container.remove({ force: true, abortSignal }),
  },
};
export type PodDeed = keyof typeof deeds;

/** Stops, starts or removes a pod; one that is so already is left so. Rejects with `pod-failed` and Docker's own words. */
export async function changePod(
  docker: DockerClient,
  { id, status }: RunningPod,
  deed: PodDeed,
  signal: AbortSignal,
): Promise<void> {
  const { done, perform } = deeds[deed];
  try {
    await raceAbort(perform(docker.getContainer(id), signal), signal);
  } catch (cause) {
    signal.throwIfAborted();
    // Docker's API answers 304 to a start or stop that changes nothing, and the library takes that for an error.
    if (z.object({ statusCode: z.literal(304) }).safeParse(cause).success) return;
    throw failure(
      'pod-failed',
      `Pod ${status.name} could not be ${done} on ${status.host}: ${dockerWords(cause)}`,
      {
        cause,
      },
    );
  }
}

/** Docker's own message, without the library's "(HTTP code 404) no such …" decoration. */
export function dockerWords(thrown: unknown): string {
  const parsed = z.object({ json: z.object({ message: z.string() }) }).safeParse(thrown);
  if (parsed.success) return parsed.data.json.message;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
