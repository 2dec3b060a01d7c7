import type { HistoryEntry } from '../../contract/history.ts';
import type { BackendType, Lab, Pod } from '../../contract/lab.ts';
import type { EtcdMember, LiveHost, NetworkLink, Sample } from '../../contract/live.ts';
import type { ProbeEnd, ProbeKind, ProbeResult } from '../../contract/probe.ts';
import type { PodStatus } from '../../contract/status.ts';
import { overlayMtu } from '../../main/provision/network-config.ts';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const roles = ['web', 'api', 'db', 'cache', 'queue', 'auth', 'search', 'mail', 'jobs', 'proxy'];
const podName = (host: number, index: number) => {
  const role = roles[index % roles.length] ?? 'pod';
  const round = Math.floor(index / roles.length);
  return `${role}-${host + 1}${round === 0 ? '' : `-${round + 1}`}`;
};

const address = (network: number, host: number, last: number) => `10.${network}.${host}.${last}`;

/** What is wrong with a host of a made-up lab. `lost`: it does not answer since that time; `small-mtu`: its path drops large packets. */
export type Trouble =
  | { readonly kind: 'none' }
  | { readonly kind: 'lost'; readonly since: number }
  | { readonly kind: 'small-mtu' };

/** A made-up lab as it is at this moment. */
export interface MadeLab {
  lab: Lab;
  state: 'up' | 'half-built' | 'busy';
  readonly createdAt: string;
  readonly trouble: Map<string, Trouble>;
  /** Pods that are not in the lab file, and those that are. */
  readonly pods: Map<string, PodStatus>;
  readonly seed: number;
}

export interface LabSize {
  readonly name: string;
  readonly hosts: number;
  readonly podsPerHost: number;
  readonly backend: BackendType;
  readonly seed: number;
  /** Number of the overlay's and the underlay's network: 10.N.0.0/16 each. */
  readonly network: number;
}

/** The lab that a `resolveLab` would make of a lab file of this size, without asking the machine. */
export function makeLab({ name, hosts, podsPerHost, backend, seed, network }: LabSize): Lab {
  const names = Array.from({ length: hosts }, (_, index) => `h${index + 1}`);
  const pods: Pod[] = names.flatMap((host, index) =>
    Array.from({ length: podsPerHost }, (_, pod) => ({
      name: podName(index, pod),
      host,
      image: pod % 4 === 3 ? 'redis:7-alpine' : 'flatland/pod',
      command: null,
      ports: [pod % 4 === 3 ? 6379 : 80],
      labels: { tier: pod % 2 === 0 ? 'front' : 'back' },
    })),
  );
  return {
    name,
    id: (randomNumbers(seed)() * 2 ** 32).toString(16).replace('.', '').padStart(8, '0').slice(0, 8),
    network: {
      cidr: `10.${network}.0.0/16`,
      subnetLength: 24,
      backend:
        backend === 'vxlan'
          ? { type: 'vxlan', vni: 1, port: 8472, directRouting: false }
          : backend === 'udp'
            ? { type: 'udp', port: 8285 }
            : { type: 'host-gw' },
    },
    underlay: { cidr: `10.${network + 100}.0.0/16`, mtu: 1500, gateway: `10.${network + 100}.0.1` },
    hosts: names.map((host, index) => ({
      name: host,
      address: address(network + 100, Math.floor((index + 11) / 250), ((index + 11) % 250) + 1),
      provider: { type: 'sandbox' },
    })),
    etcd: { members: names.slice(0, hosts <= 2 ? 1 : 3), tls: true },
    pods,
  };
}

const hostIndex = ({ lab }: MadeLab, host: string) => lab.hosts.findIndex(({ name }) => name === host);
const subnetOf = (made: MadeLab, host: string) => {
  const [, network] = made.lab.network.cidr.split('.');
  return { network: Number(network), third: hostIndex(made, host) + 1 };
};

/** A lab with all its pods running. */
export function openLab(lab: Lab, seed: number, createdAt: string): MadeLab {
  const made: MadeLab = { lab, state: 'up', createdAt, trouble: new Map(), pods: new Map(), seed };
  for (const pod of lab.pods) addPod(made, pod, true);
  return made;
}

/** Starts a pod at the next free address of its host. */
export function addPod(made: MadeLab, pod: Pod, declared: boolean): PodStatus {
  const { network, third } = subnetOf(made, pod.host);
  const used = new Set([...made.pods.values()].map((each) => each.address));
  let last = 2;
  while (used.has(address(network, third, last))) last += 1;
  const status: PodStatus = { ...pod, state: 'running', address: address(network, third, last), declared };
  made.pods.set(pod.name, status);
  return status;
}

export const troubleOf = (made: MadeLab, host: string): Trouble => made.trouble.get(host) ?? { kind: 'none' };
export const mtuOf = ({ lab }: MadeLab): number => overlayMtu(lab.underlay.mtu, lab.network.backend);

const hardware = (seed: number, index: number) => {
  const next = randomNumbers(seed * 1000 + index);
  return Array.from({ length: 6 }, (_, byte) =>
    byte === 0
      ? '02'
      : Math.floor(next() * 256)
          .toString(16)
          .padStart(2, '0'),
  ).join(':');
};

function linksOf(made: MadeLab, host: string, hostAddress: string): NetworkLink[] {
  const { lab, seed } = made;
  const { network, third } = subnetOf(made, host);
  const mtu = mtuOf(made);
  const index = hostIndex(made, host);
  const overlay: Partial<Record<string, NetworkLink>> = {
    vxlan: {
      role: 'overlay',
      name: 'flannel.1',
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      operationalState: 'UNKNOWN',
      mtu,
      hardwareAddress: hardware(seed, index),
      addresses: [`${address(network, third, 0)}/32`],
    },
    udp: {
      role: 'overlay',
      name: 'flannel0',
      flags: ['POINTOPOINT', 'MULTICAST', 'NOARP', 'UP', 'LOWER_UP'],
      operationalState: 'UNKNOWN',
      mtu,
      hardwareAddress: null,
      addresses: [`${address(network, third, 0)}/16`],
    },
  };
  const own = overlay[lab.network.backend.type];
  return [
    ...(own === undefined ? [] : [own]),
    {
      role: 'bridge',
      name: 'docker0',
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      operationalState: 'UP',
      mtu,
      hardwareAddress: hardware(seed, index + 300),
      addresses: [`${address(network, third, 1)}/24`],
    },
    {
      role: 'underlay',
      name: 'host0',
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      operationalState: 'UP',
      mtu: lab.underlay.mtu,
      hardwareAddress: hardware(seed, index + 600),
      addresses: [`${hostAddress}/16`],
    },
  ];
}

/** A lab file has 64 hosts at most: beyond that an agent tells of no more peers than in the largest lab there is. */
const mostPeers = 63;

const iso = (time: number) => new Date(time).toISOString();
const hour = 3_600_000;

/** A host as it would be told of at `now` (Unix time in ms); a lost one is as it was when it was lost. */
export function hostAt(made: MadeLab, host: string, now: number): LiveHost {
  const { lab, seed } = made;
  const index = hostIndex(made, host);
  const { network, third } = subnetOf(made, host);
  const trouble = troubleOf(made, host);
  const at = trouble.kind === 'lost' ? trouble.since : now;
  const next = randomNumbers(seed * 7919 + index * 31 + Math.floor(at / 1000));
  const created = Date.parse(made.createdAt);
  const mtu = mtuOf(made);
  const hostAddress = lab.hosts[index]?.address ?? '';
  const member = lab.etcd.members.includes(host);
  const renewed = at - (at % 60_000);
  const etcd: EtcdMember | null = member
    ? {
        name: host,
        leader: lab.etcd.members[0] === host,
        term: 2,
        version: '3.4.23',
        databaseBytes: 20_480 + index * 4096,
        latencyMilliseconds: Math.round((0.4 + next() * 0.6) * 100) / 100,
      }
    : null;
  const others = lab.hosts.filter(({ name }) => name !== host);
  return {
    name: host,
    reach:
      trouble.kind === 'lost'
        ? {
            kind: 'reconnecting',
            attempt: 1 + Math.floor((now - trouble.since) / 5000),
            nextTryAt: iso(now + 5000 - ((now - trouble.since) % 5000)),
            reason: 'connect ECONNREFUSED: the host does not answer on port 22',
          }
        : { kind: 'connected' },
    status: {
      name: host,
      address: hostAddress,
      provider: 'sandbox',
      reach: trouble.kind === 'lost' ? 'lost' : 'connected',
      at: iso(at),
      services: { etcd: member ? 'running' : 'absent', agent: 'running', docker: 'running' },
      etcdMember: member,
      docker: { bip: `${address(network, third, 1)}/24`, mtu, version: '20.10.24+dfsg1' },
      agent: {
        version: '0.1.0',
        at: iso(at),
        startedAt: iso(created + 2000),
        phase: 'ready',
        waitingFor: null,
        network: lab.network.cidr,
        subnet: `${address(network, third, 0)}/24`,
        backend: lab.network.backend.type,
        publicIp: hostAddress,
        interface: 'host0',
        mtu,
        device:
          lab.network.backend.type === 'host-gw'
            ? null
            : {
                name: lab.network.backend.type === 'udp' ? 'flannel0' : 'flannel.1',
                address: address(network, third, 0),
                mtu,
              },
        lease: {
          acquiredAt: iso(created + 2500),
          renewedAt: iso(Math.max(created, renewed)),
          expiresAt: iso(Math.max(created, renewed) + 24 * hour),
        },
        etcd: { connected: true, since: iso(created + 2200), error: null },
        peers: others.slice(0, mostPeers).map(({ name, address: publicIp }) => {
          const peer = subnetOf(made, name);
          return {
            subnet: `${address(peer.network, peer.third, 0)}/24`,
            publicIp,
            backendType: lab.network.backend.type,
            state: 'programmed',
            reason: null,
          };
        }),
        repairs: trouble.kind === 'small-mtu' ? 3 : 0,
        traffic: null,
        passes: { count: 0, seconds: 0, lagSeconds: null },
      },
      pods: [...made.pods.values()].filter((pod) => pod.host === host),
      error: trouble.kind === 'lost' ? 'no answer: <img src=x onerror=alert(1)> (as the host said it)' : null,
    },
    links: linksOf(made, host, hostAddress),
    etcd,
    kernel: '6.1.0-42-amd64',
    bootedAt: iso(created + 500),
  };
}

/** A wave that never repeats quite: smooth, from 0 to 1. */
const wave = (seed: number, seconds: number) =>
  (Math.sin(seconds / 17 + seed) +
    Math.sin(seconds / 41 + seed * 2.3) +
    Math.sin(seconds / 7 + seed * 0.7) +
    3) /
  6;

/** How busy a host is at `at` (Unix time in ms): the same for the same moment. */
export function sampleAt(made: MadeLab, host: string, at: number): Sample {
  const index = hostIndex(made, host) + made.seed;
  const seconds = at / 1000;
  const noise = randomNumbers(index * 104_729 + Math.floor(seconds))();
  const busy = wave(index, seconds);
  const received = 20_000 + 4_000_000 * wave(index + 3, seconds) ** 3 * (0.9 + 0.2 * noise);
  const sent = 15_000 + 3_000_000 * wave(index + 5, seconds) ** 3 * (0.9 + 0.2 * noise);
  const drops = troubleOf(made, host).kind === 'small-mtu' ? Math.round(noise * 6) : 0;
  return {
    host,
    at,
    cpu: Math.round((0.05 + 0.9 * busy ** 2 + 0.05 * noise) * 1000) / 1000,
    processors: 2,
    steal: Math.round(0.02 * noise * 1000) / 1000,
    memoryBytes: Math.round((90 + 60 * wave(index + 9, seconds / 5)) * 1024 * 1024),
    memoryLimitBytes: 512 * 1024 * 1024,
    overlay: { receivedBytes: Math.round(received), sentBytes: Math.round(sent), drops },
    underlay: { receivedBytes: Math.round(received * 1.05), sentBytes: Math.round(sent * 1.05), drops: 0 },
    peers: null,
  };
}

export interface Cell {
  readonly kind: ProbeKind;
  readonly from: ProbeEnd;
  readonly to: ProbeEnd;
}

const allKinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];
/** A matrix of every pod against every other one is for small labs; in larger ones hosts ask one pod of each host. */
const podsInFullMatrix = 24;
const hostsWithAllKinds = 60;

/** The cells of a lab's matrix, as the real proof has them: from pods and hosts, to pods. */
export function cellsOf(made: MadeLab): Cell[] {
  const pods = [...made.pods.values()];
  const podEnd = ({ name, host, address: own }: PodStatus): ProbeEnd => ({
    kind: 'pod',
    name,
    host,
    address: own ?? '',
  });
  const hostEnds = made.lab.hosts.map(
    ({ name, address: own }): ProbeEnd => ({ kind: 'host', name, host: name, address: own }),
  );
  const full = pods.length <= podsInFullMatrix;
  const targets = full
    ? pods
    : made.lab.hosts.flatMap(({ name }) => pods.filter(({ host }) => host === name).slice(0, 1));
  const sources = full ? [...pods.map(podEnd), ...hostEnds] : hostEnds;
  const kinds: readonly ProbeKind[] = made.lab.hosts.length > hostsWithAllKinds ? ['ping'] : allKinds;
  return sources.flatMap((from) =>
    targets
      .filter(({ name, host }) => name !== from.name && (full || host !== from.host))
      .flatMap((to) => kinds.map((kind) => ({ kind, from, to: podEnd(to) }))),
  );
}

/** What a probe of a cell would say at `at` (Unix time in ms). */
export function measure(made: MadeLab, { kind, from, to }: Cell, at: number): ProbeResult {
  const troubles = [troubleOf(made, from.host), troubleOf(made, to.host)];
  const lost = [from.host, to.host].find((host) => troubleOf(made, host).kind === 'lost');
  const stopped = [from, to].find(
    ({ kind: end, name }) => end === 'pod' && made.pods.get(name)?.state !== 'running',
  );
  const next = randomNumbers(
    made.seed + hostIndex(made, from.host) * 977 + hostIndex(made, to.host) * 13 + Math.floor(at),
  );
  const path = from.host === to.host ? 'same-host' : 'cross-host';
  const mtu = mtuOf(made);
  const small = path === 'cross-host' && troubles.some((trouble) => trouble.kind === 'small-mtu');
  const rtt = Math.round(((path === 'same-host' ? 0.05 : 0.19) + next() ** 3 * 0.15) * 1000) / 1000;
  const expected = {
    ping: '0 % loss',
    mtu: `${mtu} bytes`,
    source: from.kind === 'pod' ? from.address : `an address of ${from.name}`,
    http: 'HTTP 200',
  }[kind];
  const cell = { at: iso(at), kind, from, to, path, expected } as const;
  if (lost !== undefined)
    return { ...cell, ok: false, seen: `no answer: host ${lost} lost`, milliseconds: null };
  if (stopped !== undefined)
    return { ...cell, ok: false, seen: `pod ${stopped.name} does not run`, milliseconds: null };
  switch (kind) {
    case 'ping':
      return { ...cell, ok: true, seen: `0 % loss, ${rtt} ms`, milliseconds: rtt };
    case 'mtu':
      return small
        ? {
            ...cell,
            ok: false,
            seen: `${mtu - 50} bytes (as its kernel remembers for 590 s)`,
            milliseconds: null,
          }
        : { ...cell, ok: true, seen: `${mtu} bytes`, milliseconds: null };
    case 'source':
      return { ...cell, ok: true, seen: from.address, milliseconds: null };
    case 'http':
      return { ...cell, ok: true, seen: 'HTTP 200', milliseconds: Math.round(rtt * 4 * 1000) / 1000 };
  }
}

/** Things that could have happened in a lab over the last two hours, oldest first. */
export function pastOf(made: MadeLab, count: number, now: number): HistoryEntry[] {
  const next = randomNumbers(made.seed + 5);
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(next() * values.length)];
  const began = Math.max(Date.parse(made.createdAt), now - 2 * hour);
  const pods = [...made.pods.values()];
  const base = { detail: null, host: null, pod: null, pair: null };
  const entries: HistoryEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = iso(began + ((now - began) * (index + next())) / count);
    const host = pick(made.lab.hosts)?.name ?? '';
    const [from, to] = [pick(pods), pick(pods)];
    const id = `past-${made.lab.name}-${index}`;
    const common = { ...base, id, at, host };
    const kinds: HistoryEntry[] = [
      {
        ...common,
        subject: 'lease',
        level: 'good',
        title: `${host} renewed its lease`,
        detail: made.lab.network.cidr,
      },
      { ...common, subject: 'agent', level: 'neutral', title: `${host}: agent is ready` },
      {
        ...common,
        subject: 'host',
        level: 'warning',
        title: `${host} is reconnecting`,
        detail: 'the connection was reset',
      },
      { ...common, subject: 'host', level: 'good', title: `${host} is connected again` },
      {
        ...common,
        subject: 'command',
        level: 'neutral',
        title: `${host}: docker ps`,
        detail: 'exit code 0, 0.2 s',
      },
      {
        ...common,
        subject: 'etcd',
        level: 'neutral',
        title: `${made.lab.etcd.members[0] ?? host} leads etcd`,
        detail: 'term 2',
      },
      { ...common, subject: 'docker', level: 'neutral', title: `${host}: Docker took bip and MTU` },
      ...(from === undefined || to === undefined || from === to
        ? []
        : ([
            {
              ...common,
              subject: 'probe',
              level: 'bad',
              title: `${from.name} → ${to.name} fails`,
              detail: 'expected 0 % loss, saw 100 % loss',
              host: from.host,
              pair: { from: from.name, to: to.name, kind: 'ping' },
            },
            {
              ...common,
              subject: 'probe',
              level: 'good',
              title: `${from.name} → ${to.name} works again`,
              host: from.host,
              pair: { from: from.name, to: to.name, kind: 'ping' },
            },
            {
              ...common,
              subject: 'pod',
              level: 'good',
              title: `${from.name} runs`,
              detail: from.address,
              host: from.host,
              pod: from.name,
            },
          ] satisfies HistoryEntry[])),
    ];
    const entry =
      index === 0
        ? {
            ...base,
            id,
            at,
            subject: 'work' as const,
            level: 'good' as const,
            title: 'brought up',
            detail: '3.4 s',
          }
        : pick(kinds);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
