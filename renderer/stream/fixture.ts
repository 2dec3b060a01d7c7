import type { LiveHost } from '../../contract/live.ts';
import type { ProbeKind, ProbeResult } from '../../contract/probe.ts';
import type { LabState } from './state.ts';

const at = '2026-01-01T00:00:00.000Z';

/** A host as a test needs it; connected and well unless told otherwise. */
export function testHost(name: string, reach: LiveHost['reach'] = { kind: 'connected' }): LiveHost {
  return {
    name,
    reach,
    status: {
      name,
      address: '10.78.0.2',
      provider: 'sandbox',
      reach: reach.kind === 'connected' ? 'connected' : 'lost',
      at,
      services: { etcd: 'running', agent: 'running', docker: 'running' },
      etcdMember: true,
      docker: null,
      agent: null,
      pods: [],
      error: null,
    },
    links: [],
    etcd: null,
    kernel: null,
    bootedAt: null,
  };
}

/** A cell of the matrix between two pods, each on the host that its name begins with. */
export function testProbe(
  from: string,
  to: string,
  kind: ProbeKind,
  own: Partial<ProbeResult> = {},
): ProbeResult {
  const end = (name: string) => ({
    kind: 'pod' as const,
    name,
    host: name.split('-')[0] ?? name,
    address: '10.77.0.2',
  });
  return {
    at,
    kind,
    from: end(from),
    to: end(to),
    path: 'cross-host',
    ok: true,
    expected: '',
    seen: kind === 'mtu' ? '1450' : '',
    milliseconds: kind === 'ping' ? 0.2 : null,
    ...own,
  };
}

/** A lab of these hosts, up and not measured yet. */
export function testLab(hosts: readonly LiveHost[]): LabState {
  return {
    lab: {
      name: 'demo',
      id: '01234567',
      network: {
        cidr: '10.77.0.0/16',
        subnetLength: 24,
        backend: { type: 'vxlan', vni: 1, port: 8472, directRouting: false },
      },
      underlay: { cidr: '10.78.0.0/24', mtu: 1500, gateway: '10.78.0.1' },
      hosts: hosts.map(({ name, status }) => ({
        name,
        address: status.address,
        provider: { type: 'sandbox' },
      })),
      etcd: { members: hosts.map(({ name }) => name), tls: true },
      pods: [],
    },
    state: 'up',
    createdAt: at,
    hosts: new Map(hosts.map((host) => [host.name, host])),
    samples: new Map(),
    probes: new Map(),
    history: [],
  };
}
