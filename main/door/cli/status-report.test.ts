import { describe, expect, it } from 'vitest';
import type { HostStatus, LabStatus } from '../../../contract/status.ts';
import { generateLabFile } from '../../lab/file/generate.ts';
import { resolveLab } from '../../lab/file/resolve.ts';
import { drawLabs } from './labs-report.ts';
import { drawStatus, remember } from './status-report.ts';
import { type Line, lineWidth, span } from './text.ts';

const start = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const lab = resolveLab({
  file: generateLabFile({ hosts: 2, backend: 'vxlan' }),
  id: '0123abcd',
  taken: [],
  previous: null,
});

function hostStatus(index: number, lost: boolean, seconds: number): HostStatus {
  const host = lab.hosts[index] ?? { name: '', address: '' };
  const service = lost ? ('unknown' as const) : ('running' as const);
  return {
    name: host.name,
    address: host.address,
    provider: 'sandbox',
    reach: lost ? 'lost' : 'connected',
    at: at(seconds),
    services: { etcd: service, agent: service, docker: service },
    etcdMember: lab.etcd.members.includes(host.name),
    docker: lost ? null : { bip: `10.77.${index + 1}.1/24`, mtu: 1450, version: '20.10.24' },
    agent: lost
      ? null
      : {
          version: '1',
          at: at(seconds),
          startedAt: at(0),
          phase: 'ready',
          waitingFor: null,
          network: '10.77.0.0/16',
          subnet: `10.77.${index + 1}.0/24`,
          backend: 'vxlan',
          publicIp: host.address,
          interface: 'eth0',
          mtu: 1450,
          device: null,
          lease: { acquiredAt: at(0), renewedAt: at(0), expiresAt: at(86_400) },
          etcd: { connected: true, since: at(0), error: null },
          peers: [],
          repairs: 0,
          traffic: null,
          passes: { count: 0, seconds: 0, lagSeconds: null },
        },
    pods: lab.pods
      .filter((pod) => pod.host === host.name)
      .map((pod, number) => ({
        ...pod,
        state: lost ? ('unknown' as const) : ('running' as const),
        address: lost ? null : `10.77.${index + 1}.${number + 2}`,
        declared: true,
      })),
    error: lost ? 'h2 does not answer' : null,
  };
}

const status = (seconds: number, lost: boolean): LabStatus => ({
  lab,
  state: 'up',
  at: at(seconds),
  hosts: [hostStatus(0, false, seconds), hostStatus(1, lost, seconds)],
});

const textOf = (lines: readonly Line[]) =>
  lines.map((parts) =>
    parts
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );

describe('status', () => {
  const before = remember(null, status(10, false));

  it('shows hosts and pods, each with what matters', () => {
    const lines = textOf(drawStatus(before, 120, start + 12_000));
    expect(lines[0]).toMatch(/^lab flatland up · vxlan 10\.77\.0\.0\/16 · .* read 2 s ago$/);
    expect(lines[3]).toContain('connected');
    expect(lines[3]).toContain('10.77.1.1/24 MTU 1450');
    expect(lines[3]).toContain('12 s ago');
    expect(lines.join('\n')).toContain('h2-b');
  });

  it('keeps the values of a lost host, dim and with their age', () => {
    const seen = remember(remember(before, status(12, true)), status(20, true));
    const lines = drawStatus(seen, 120, start + 44_000);
    const row = lines[4] ?? [];
    expect(row.find(({ text }) => text.startsWith('lost'))).toEqual(span('lost 32 s', 'bad'));
    expect(row.find(({ text }) => text.startsWith('10.77.2.0/24'))?.tone).toBe('dim');
    expect(textOf(lines).at(-1)).toBe('  ✗ h2: h2 does not answer; its values are from 34 s ago');
  });

  it('says nothing of a host that was never reached', () => {
    const lines = textOf(drawStatus(remember(null, status(10, true)), 120, start + 10_000));
    expect(lines[4]).toMatch(/h2 +lost +\S+ +unknown +— +— +— +unknown/);
  });

  it('fits 80 columns', () => {
    const lines = drawStatus(before, 80, start + 12_000);
    for (const line of lines) expect(lineWidth(line)).toBeLessThanOrEqual(80);
    expect(textOf(lines)[3]).toMatch(/MTU 1450/);
  });
});

describe('ls', () => {
  it('shows a lab a line', () => {
    const summary = {
      name: 'demo',
      state: 'up' as const,
      createdAt: at(0),
      hosts: 3,
      pods: 6,
      backend: 'vxlan',
      cidr: '10.77.0.0/16',
      underlay: '10.210.0.0/24',
    };
    expect(textOf(drawLabs([summary], 100, start + 125_000))).toEqual([
      '  LAB   STATE  HOSTS  PODS  BACKEND  NETWORK       UNDERLAY       CREATED',
      '  demo  up     3      6     vxlan    10.77.0.0/16  10.210.0.0/24  2 min 5 s ago',
    ]);
    expect(textOf(drawLabs([], 100, start))).toEqual(['There is no lab; flatland up makes one.']);
  });
});
