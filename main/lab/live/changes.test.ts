import { describe, expect, test } from 'vitest';
import type { AgentStatus } from '../../../contract/agent.ts';
import type { EtcdMember, LiveHost, NetworkLink } from '../../../contract/live.ts';
import type { HostStatus, PodStatus } from '../../../contract/status.ts';
import { changesBetween } from './changes.ts';

const at = '2026-01-02T03:04:05.000Z';

const agent: AgentStatus = {
  version: '1.2.3',
  at,
  startedAt: at,
  phase: 'ready',
  waitingFor: null,
  network: '10.77.0.0/16',
  subnet: '10.77.2.0/24',
  backend: 'vxlan',
  publicIp: '10.210.0.11',
  interface: 'eth0',
  mtu: 1450,
  device: null,
  lease: null,
  etcd: { connected: true, since: at, error: null },
  peers: [],
  repairs: 0,
  traffic: null,
  passes: { count: 0, seconds: 0, lagSeconds: null },
};
const pod: PodStatus = {
  name: 'h1-a',
  host: 'h1',
  image: 'flatland/pod',
  command: null,
  ports: [80],
  labels: {},
  state: 'running',
  address: '10.77.2.2',
  declared: true,
};
const link: NetworkLink = {
  role: 'overlay',
  name: 'flannel.1',
  flags: ['UP', 'LOWER_UP'],
  operationalState: 'UNKNOWN',
  mtu: 1450,
  hardwareAddress: null,
  addresses: ['10.77.2.0/32'],
};
const member: EtcdMember = {
  name: 'h1',
  leader: false,
  term: 2,
  version: '3.4.23',
  databaseBytes: 1,
  latencyMilliseconds: 1,
};
const status: HostStatus = {
  name: 'h1',
  address: '10.210.0.11',
  provider: 'sandbox',
  reach: 'connected',
  at,
  services: { etcd: 'running', agent: 'running', docker: 'running' },
  etcdMember: true,
  docker: null,
  agent,
  pods: [pod],
  error: null,
};
const host: LiveHost = {
  name: 'h1',
  reach: { kind: 'connected' },
  status,
  links: [link],
  etcd: member,
  kernel: '6.1',
  bootedAt: at,
};

const withStatus = (change: Partial<HostStatus>): LiveHost => ({ ...host, status: { ...status, ...change } });
const withAgent = (change: Partial<AgentStatus>) => withStatus({ agent: { ...agent, ...change } });
const withPod = (change: Partial<PodStatus>) => withStatus({ pods: [{ ...pod, ...change }] });
const withService = (change: Partial<HostStatus['services']>) =>
  withStatus({ services: { ...status.services, ...change } });
const withLink = (change: Partial<NetworkLink>): LiveHost => ({ ...host, links: [{ ...link, ...change }] });
const lost: LiveHost = {
  ...withStatus({ reach: 'lost', error: 'cut' }),
  reach: { kind: 'reconnecting', attempt: 1, nextTryAt: at, reason: 'cut' },
};
const unread: LiveHost = { ...lost, reach: { kind: 'connecting' }, bootedAt: null };

const said = (before: LiveHost, after: LiveHost) =>
  changesBetween(before, after, at).map(({ subject, level, title }) => `${subject} ${level}: ${title}`);

describe('a change of a host', () => {
  test.each<[string, LiveHost, LiveHost, string[]]>([
    ['nothing', host, withStatus({ at: '2026-01-02T03:04:07.000Z' }), []],
    ['lost', host, lost, ['host bad: h1 does not answer']],
    ['never reached', unread, lost, ['host bad: h1 does not answer']],
    ['still lost', lost, { ...lost, reach: { ...lost.reach, attempt: 2 } as LiveHost['reach'] }, []],
    ['back', lost, host, ['host good: h1 answers again']],
    ['read for the first time', unread, host, []],
    [
      'booted',
      lost,
      { ...withPod({ state: 'missing' }), bootedAt: '2026-01-02T04:00:00.000Z' },
      ['host good: h1 answers again', 'host neutral: h1 was booted'],
    ],
    [
      'agent restarted',
      host,
      withAgent({ startedAt: '2026-01-02T04:00:00.000Z' }),
      ['agent warning: The agent of h1 was restarted'],
    ],
    [
      'agent waits',
      host,
      withAgent({ phase: 'waiting', waitingFor: 'etcd' }),
      ['agent warning: The agent of h1 waits'],
    ],
    [
      'agent lost etcd',
      host,
      withAgent({ etcd: { connected: false, since: at, error: 'refused' } }),
      ['agent warning: The agent of h1 lost etcd'],
    ],
    ['agent silent', host, withStatus({ agent: null }), []],
    [
      'lease moved',
      host,
      withAgent({ subnet: '10.77.9.0/24' }),
      ['lease warning: The lease of h1 moved to 10.77.9.0/24'],
    ],
    ['lease lost', host, withAgent({ subnet: null }), ['lease bad: h1 has no lease any more']],
    ['lease got', withAgent({ subnet: null }), host, ['lease good: h1 has the lease of 10.77.2.0/24']],
    ['leader', host, { ...host, etcd: { ...member, leader: true } }, ['etcd neutral: h1 leads etcd']],
    ['etcd not asked', host, { ...host, etcd: null }, []],
    ['member down', host, withService({ etcd: 'failed' }), ['etcd bad: etcd of h1 is down']],
    ['Docker down', host, withService({ docker: 'absent' }), ['docker bad: Docker of h1 is down']],
    ['Docker starts', host, withService({ docker: 'starting' }), []],
    ['Docker up', withService({ docker: 'absent' }), host, ['docker good: Docker of h1 runs']],
    ['pod stopped', host, withPod({ state: 'exited', address: null }), ['pod bad: h1-a stopped']],
    ['pod removed', host, withStatus({ pods: [] }), ['pod neutral: h1-a was removed']],
    ['pod unknown', host, withPod({ state: 'unknown' }), []],
    ['pod known again', withPod({ state: 'unknown' }), host, []],
    ['pod started', withPod({ state: 'exited', address: null }), host, ['pod good: h1-a runs']],
    ['pod new', withStatus({ pods: [] }), host, ['pod good: h1-a runs']],
    [
      'pod moved',
      host,
      withPod({ address: '10.77.2.9' }),
      ['pod warning: h1-a has another address, 10.77.2.9'],
    ],
    ['MTU', host, withLink({ mtu: 1400 }), ['host warning: MTU of flannel.1 on h1 is 1400']],
    ['link down', host, withLink({ flags: [] }), ['host bad: flannel.1 of h1 is down']],
    ['link gone', host, { ...host, links: [] }, ['host bad: flannel.1 of h1 is gone']],
  ])('%s', (_, before, after, expected) => {
    expect(said(before, after)).toEqual(expected);
  });

  test('leads to its host and pod', () => {
    expect(changesBetween(host, withPod({ state: 'exited' }), at)).toEqual([
      {
        at,
        subject: 'pod',
        level: 'bad',
        title: 'h1-a stopped',
        detail: 'exited',
        host: 'h1',
        pod: 'h1-a',
        pair: null,
      },
    ]);
  });
});
