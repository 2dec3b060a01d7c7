import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, Lab } from '../../../contract/lab.ts';
import type { LiveHost, NetworkLink, Sample } from '../../../contract/live.ts';
import type { PodStatus } from '../../../contract/status.ts';
import { failure, toFlatlandError } from '../../failure.ts';
import type { Connection } from '../../host/connection.ts';
import { parseDockerOptions } from '../../provision/docker.ts';
import type { MemberStatusReader } from '../../provision/etcd-status.ts';
import { type HostReading, silentStatus, statusOf } from '../inspect.ts';
import { openLooker } from './look.ts';
import type { Observation } from './observation.ts';
import { agentPart, dockerPart, memberPart } from './parts.ts';
import { type Look, sampleOf, type WatchedLinks } from './rates.ts';

/** How one host of a lab is watched. */
export interface Gathering {
  readonly host: Host;
  /** The lab as it is now: pods may come to it while its hosts stay. */
  readonly lab: () => Lab;
  /** Whether work is being done on the lab: a host that was not there yet is not lost then. */
  readonly busy: () => boolean;
  /** Opens a connection of the gatherer's own. Rejects after some seconds. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>;
  readonly openMember: (connection: Connection) => Promise<MemberStatusReader>;
  readonly onHost: (before: LiveHost, after: LiveHost) => void;
  readonly onSample: (sample: Sample) => void;
}

const everyMilliseconds = 2000;
const waitSeconds = [1, 2, 3, 5];

/** How long to wait before an attempt to reach a lost host again; attempts count from 1. */
const waitBefore = (attempt: number): number => waitSeconds[attempt - 1] ?? 5;

/** A host of which nothing is known yet. */
const unreadHost = (lab: Lab, host: Host): LiveHost => ({
  name: host.name,
  reach: { kind: 'connecting' },
  status: silentStatus(lab, host, null),
  links: [],
  etcd: null,
  kernel: null,
  bootedAt: null,
});

/** The interface that carries the pods' packets to other hosts; null when that is the underlay itself. */
function overlayName({ network: { backend } }: Lab): string | null {
  switch (backend.type) {
    case 'vxlan':
      return `flannel.${backend.vni}`;
    case 'udp':
      return 'flannel0';
    case 'host-gw':
      return null;
  }
}

/** The interfaces of a host that matter, in the order in which a packet of a pod meets them backwards. */
function linksOf(lab: Lab, host: Host, { links }: Observation): NetworkLink[] {
  const roles: readonly (readonly [
    NetworkLink['role'],
    (link: { name: string; addresses: string[] }) => boolean,
  ])[] = [
    ['overlay', ({ name }) => name === overlayName(lab)],
    ['bridge', ({ name }) => name === 'docker0'],
    ['underlay', ({ addresses }) => addresses.some((entry) => entry.split('/')[0] === host.address)],
  ];
  return roles.flatMap(([role, fits]) => {
    const link = links.find(fits);
    if (link === undefined) return [];
    const { name, flags, operationalState, mtu, hardwareAddress, addresses } = link;
    return [{ role, name, flags, operationalState, mtu, hardwareAddress, addresses }];
  });
}

/** What was known of pods whose Docker cannot be asked: they are still there, nobody knows how. */
const uncertain = (pods: readonly PodStatus[]): PodStatus[] =>
  pods.map((pod) => ({ ...pod, state: 'unknown' as const }));

/** Reads a host every other second until it does not answer. Rejects with what was the matter. */
async function observe(
  gathering: Gathering,
  connection: Connection,
  onReading: (observation: Observation, reading: HostReading, etcd: LiveHost['etcd']) => void,
  signal: AbortSignal,
): Promise<never> {
  const { host } = gathering;
  const cut = new AbortController();
  connection.onState((state) => {
    const reason = state.kind === 'reconnecting' ? state.reason : 'the connection was closed';
    if (state.kind !== 'connected') cut.abort(failure('host-lost', reason));
  });
  const ended = AbortSignal.any([signal, cut.signal]);
  const looker = await openLooker(connection);
  const agent = agentPart(connection);
  const docker = dockerPart(connection, host.name);
  const member = memberPart(() => gathering.openMember(connection));
  try {
    for (;;) {
      const began = performance.now();
      const isMember = gathering.lab().etcd.members.includes(host.name);
      const [observation, agentStatus, dockerReading] = await Promise.all([
        looker.look(ended),
        agent(),
        docker(),
      ]);
      // Afterwards, as the others would be part of its latency.
      const etcdMember = isMember ? await member.ask() : null;
      const reading: HostReading = {
        units: observation.units,
        agent: agentStatus,
        options: parseDockerOptions(observation.dockerOptions),
        version: dockerReading?.version ?? null,
        pods: dockerReading?.pods ?? null,
      };
      onReading(observation, reading, etcdMember);
      const left = everyMilliseconds - (performance.now() - began);
      await sleep(Math.max(0, left), undefined, { signal: ended }).catch(() => ended.throwIfAborted());
      ended.throwIfAborted();
    }
  } finally {
    looker.close();
    await member.close();
  }
}

/**
 * Watches one host until `signal` is aborted: reads it every other second, and when it is lost keeps what was known of it
 * and tries again by itself. Never rejects.
 */
export async function gatherHost(gathering: Gathering, signal: AbortSignal): Promise<void> {
  const { host } = gathering;
  let live = unreadHost(gathering.lab(), host);
  let last: Look | null = null;
  let attempt = 0;

  const publish = (change: Partial<LiveHost>) => {
    if (signal.aborted) return;
    const before = live;
    live = { ...live, ...change };
    gathering.onHost(before, live);
  };

  const onReading = (observation: Observation, reading: HostReading, etcd: LiveHost['etcd']) => {
    attempt = 0;
    const lab = gathering.lab();
    const status = statusOf(lab, host, reading);
    const links = linksOf(lab, host, observation);
    const watched: WatchedLinks = {
      overlay: overlayName(lab),
      underlay: links.find(({ role }) => role === 'underlay')?.name ?? null,
    };
    // The machine's clock may be set a little; the host was not booted by that.
    const same = last?.observation.firstProcess === observation.firstProcess;
    publish({
      reach: { kind: 'connected' },
      status: reading.pods === null ? { ...status, pods: uncertain(live.status.pods) } : status,
      links,
      etcd: status.services.etcd === 'running' ? etcd : null,
      kernel: observation.kernel,
      bootedAt: same ? live.bootedAt : observation.bootedAt,
    });
    const look: Look = { observation, traffic: reading.agent?.traffic ?? null };
    if (!signal.aborted) gathering.onSample(sampleOf(host.name, Date.now(), last, look, watched));
    last = look;
  };

  /** Reads the host for as long as it answers; resolves to why it does not any more. */
  const readUntilLost = async (): Promise<string> => {
    const opened = gathering.connect(signal);
    try {
      return await observe(gathering, await opened, onReading, signal);
    } catch (thrown) {
      return toFlatlandError(thrown).message;
    } finally {
      // Nobody waits for the farewell to a host that may be gone.
      opened.then((connection) => connection.close()).catch(() => {});
    }
  };

  publish({});
  while (!signal.aborted) {
    const reason = await readUntilLost();
    if (signal.aborted) return;
    if (live.bootedAt === null && gathering.busy()) {
      // It is still being made.
      await sleep(1000, undefined, { signal }).catch(() => {});
      continue;
    }
    attempt += 1;
    // Work on the lab may well be what brings it back.
    const seconds = gathering.busy() ? 1 : waitBefore(attempt);
    const nextTryAt = new Date(Date.now() + seconds * 1000).toISOString();
    publish({
      reach: { kind: 'reconnecting', attempt, nextTryAt, reason },
      status: { ...live.status, reach: 'lost', error: reason },
    });
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}
