import type { HostStatus, LabStatus, PodStatus } from '../../../contract/status.ts';
import { drawFitting } from './table.ts';
import {
  ago,
  clipLine,
  duration,
  harmless,
  type Line,
  line,
  type Span,
  span,
  spread,
  type Tone,
} from './text.ts';

/** A host as it is now; a lost one keeps what was known of it before, and `knownAt` says from when that is. */
export interface SeenHost {
  readonly now: HostStatus;
  readonly known: HostStatus | null;
  readonly lostSince: string | null;
}

export interface SeenLab {
  readonly status: LabStatus;
  readonly hosts: readonly SeenHost[];
}

/** Joins a new reading with what was known: a host that is lost keeps its last values. Pure. */
export function remember(before: SeenLab | null, status: LabStatus): SeenLab {
  const hosts = status.hosts.map((host): SeenHost => {
    if (host.reach === 'connected') return { now: host, known: host, lostSince: null };
    const last = before?.hosts.find(({ now }) => now.name === host.name);
    return { now: host, known: last?.known ?? null, lostSince: last?.lostSince ?? host.at };
  });
  return { status, hosts };
}

const none = span('—', 'dim');

/** A lost host's values are dim: they were true once. */
const shown = ({ now }: SeenHost, text: string | null | undefined, tone: Tone = 'plain'): Span =>
  text == null || text === '' ? none : span(harmless(text), now.reach === 'lost' ? 'dim' : tone);

function reach({ now, lostSince }: SeenHost, time: number): Span {
  if (now.reach === 'connected') return span('connected', 'good');
  const seconds = lostSince === null ? 0 : Math.max(0, time - Date.parse(lostSince)) / 1000;
  return span(seconds < 1 ? 'lost' : `lost ${duration(Math.round(seconds)).replace('.0', '')}`, 'bad');
}

const serviceTones: Record<HostStatus['services']['etcd'], Tone> = {
  running: 'good',
  starting: 'accent',
  failed: 'bad',
  absent: 'dim',
  unknown: 'dim',
};

function agent(host: SeenHost): Span {
  const { agent: status, services } = host.known ?? host.now;
  if (status === null) return shown(host, services.agent, serviceTones[services.agent]);
  const tones: Record<typeof status.phase, Tone> = {
    ready: 'good',
    starting: 'accent',
    waiting: 'caution',
    stopping: 'caution',
  };
  return shown(host, status.phase, tones[status.phase]);
}

function lease(host: SeenHost, now: number, ending = ' ago'): Span {
  const renewed = host.known?.agent?.lease?.renewedAt;
  return renewed === undefined ? none : shown(host, ago(renewed, now).replace(/ ago$/, ending));
}

function etcd(host: SeenHost): Span {
  const { etcdMember, services } = host.known ?? host.now;
  if (!etcdMember) return span('no member', 'dim');
  return shown(host, services.etcd, serviceTones[services.etcd]);
}

/** Docker's range, and its MTU; a range that is not the agent's subnet is wrong. */
function docker(host: SeenHost, words: 'long' | 'short'): Span {
  const { docker: status, services, agent: own } = host.known ?? host.now;
  if (status === null || services.docker !== 'running')
    return shown(host, services.docker, serviceTones[services.docker]);
  const length = own?.subnet?.split('/')[1];
  const base = own?.subnet?.split('/')[0]?.replace(/\d+$/, '');
  const fits =
    status.bip === null ||
    base === undefined ||
    (status.bip.startsWith(base) && status.bip.endsWith(`/${length}`));
  const mtu = status.mtu === null ? '' : `MTU ${status.mtu}`;
  const range = status.bip ?? 'no bip';
  return shown(host, words === 'long' || !fits ? `${range} ${mtu}` : mtu, fits ? 'plain' : 'bad');
}

function hostTable(hosts: readonly SeenHost[], width: number, now: number): Line[] {
  const name = { title: 'HOST', cell: (host: SeenHost) => span(host.now.name, 'strong') };
  const first = [
    name,
    { title: 'REACH', cell: (host: SeenHost) => reach(host, now) },
    { title: 'ADDRESS', cell: (host: SeenHost) => span(host.now.address) },
    { title: 'AGENT', cell: agent },
  ];
  const subnet = { title: 'SUBNET', cell: (host: SeenHost) => shown(host, host.known?.agent?.subnet) };
  const backend = { title: 'BACKEND', cell: (host: SeenHost) => shown(host, host.known?.agent?.backend) };
  const renewed = { title: 'LEASE RENEWED', cell: (host: SeenHost) => lease(host, now) };
  const member = { title: 'ETCD', cell: etcd };
  const long = { title: 'DOCKER', cell: (host: SeenHost) => docker(host, 'long') };
  const short = { title: 'DOCKER', cell: (host: SeenHost) => docker(host, 'short') };
  return drawFitting(
    [
      [...first, subnet, backend, renewed, long, member],
      [...first, subnet, renewed, long, member],
      [...first, subnet, { ...renewed, title: 'RENEWED' }, short, member],
      [...first, subnet, { title: 'LEASE', cell: (host: SeenHost) => lease(host, now, '') }, short, member],
      [...first, subnet, short, member],
    ],
    hosts,
    width,
  );
}

function podTable(hosts: readonly SeenHost[], width: number): Line[] {
  const rows = hosts.flatMap((host) => (host.known ?? host.now).pods.map((pod) => ({ host, pod })));
  if (rows.length === 0) return [];
  type Row = (typeof rows)[number];
  const tones: Record<PodStatus['state'], Tone> = {
    running: 'good',
    exited: 'bad',
    missing: 'bad',
    unknown: 'dim',
  };
  const short = [
    { title: 'POD', cell: ({ pod }: Row) => span(harmless(pod.name), 'strong') },
    { title: 'HOST', cell: ({ pod }: Row) => span(harmless(pod.host)) },
    { title: 'ADDRESS', cell: ({ host, pod }: Row) => shown(host, pod.address) },
    { title: 'STATE', cell: ({ host, pod }: Row) => shown(host, pod.state, tones[pod.state]) },
  ];
  const ports = { title: 'PORTS', cell: ({ host, pod }: Row) => shown(host, pod.ports.join(' ')) };
  const image = { title: 'IMAGE', cell: ({ pod }: Row) => span(harmless(pod.image), 'dim') };
  const extra = { title: '', cell: ({ pod }: Row) => span(pod.declared ? '' : 'not in the lab file', 'dim') };
  const undeclared = rows.some(({ pod }) => !pod.declared) ? [extra] : [];
  return [
    line(),
    ...drawFitting([[...short, ports, image, ...undeclared], [...short, ports], short], rows, width),
  ];
}

/** What an agent waits for, and what lost hosts said last. */
function remarks(hosts: readonly SeenHost[], now: number): Line[] {
  const lines = hosts.flatMap((host) => {
    const { now: current, known } = host;
    if (current.reach === 'lost') {
      const age = known === null ? '' : `; its values are from ${ago(known.at, now)}`;
      return [
        line(
          '  ',
          span('✗', 'bad'),
          ` ${current.name}: ${harmless(current.error ?? 'no answer')}`,
          span(age, 'dim'),
        ),
      ];
    }
    const waitingFor = current.agent?.waitingFor;
    return waitingFor == null
      ? []
      : [line('  ', span('!', 'caution'), ` ${current.name}: the agent waits for ${harmless(waitingFor)}`)];
  });
  return lines.length > 0 ? [line(), ...lines] : [];
}

/** What `status` prints. Pure; `now` is the time in milliseconds. */
export function drawStatus({ status, hosts }: SeenLab, width: number, now: number): Line[] {
  const { lab } = status;
  const tone: Tone = status.state === 'up' ? 'good' : 'caution';
  const network = `${lab.network.backend.type} ${lab.network.cidr}`;
  const underlay = `underlay ${lab.underlay.cidr} MTU ${lab.underlay.mtu}`;
  const head = spread(
    line(
      'lab ',
      span(lab.name, 'strong'),
      ' ',
      span(status.state, tone),
      span(` · ${network} · ${underlay}`, 'dim'),
    ),
    line(span(`read ${ago(status.at, now)}`, 'dim')),
    width,
  );
  return [
    head,
    line(),
    ...hostTable(hosts, width, now),
    ...podTable(hosts, width),
    ...remarks(hosts, now),
  ].map((each) => clipLine(each, width));
}
