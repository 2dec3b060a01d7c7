import { expect, test } from 'vitest';
import type { AgentStatus } from '../../contract/agent.ts';
import type { LiveHost } from '../../contract/live.ts';
import { testHost } from '../stream/fixture.ts';
import { checkDocker } from './checks.ts';

const at = '2026-01-01T00:00:00.000Z';

const agent: AgentStatus = {
  version: '0.1.0',
  at,
  startedAt: at,
  phase: 'ready',
  waitingFor: null,
  network: '10.77.0.0/16',
  subnet: '10.77.1.0/24',
  backend: 'vxlan',
  publicIp: '10.78.0.2',
  interface: 'host0',
  mtu: 1450,
  device: { name: 'flannel.1', address: '10.77.1.0', mtu: 1450 },
  lease: null,
  etcd: { connected: true, since: at, error: null },
  peers: [],
  repairs: 0,
  traffic: null,
  passes: { count: 0, seconds: 0, lagSeconds: null },
};

function hostWith(
  docker: { bip: string | null; mtu: number | null } | null,
  own: Partial<AgentStatus> = {},
): LiveHost {
  const host = testHost('h1');
  return {
    ...host,
    status: {
      ...host.status,
      agent: { ...agent, ...own },
      docker: docker === null ? null : { ...docker, version: '20.10' },
    },
  };
}

const told = (host: LiveHost) => checkDocker(host).map(({ health, sentence }) => `${health}, ${sentence}`);

test('Docker that uses what the overlay gave is well', () => {
  expect(told(hostWith({ bip: '10.77.1.1/24', mtu: 1450 }))).toEqual([
    'good, match: bip 10.77.1.1/24 is in the lease 10.77.1.0/24',
    'good, match: MTU 1450 is that of flannel.1',
  ]);
});

test('a bridge outside the lease and an MTU that is too large are bad, and why', () => {
  const [bridge, mtu] = told(hostWith({ bip: '172.17.0.1/16', mtu: 1500 }));
  expect(bridge).toMatch(/^bad, mismatch: .*other hosts do not route to$/);
  expect(mtu).toMatch(/^bad, mismatch: MTU 1500 is more than the 1450 of flannel.1/);
});

test('an MTU that is too small only costs', () => {
  expect(told(hostWith({ bip: '10.77.1.1/24', mtu: 1400 }))[1]).toMatch(/^warning, mismatch/);
});

test('host-gw is compared with the MTU that the agent gave out', () => {
  const host = hostWith({ bip: '10.77.1.1/24', mtu: 1500 }, { backend: 'host-gw', device: null, mtu: 1500 });
  expect(told(host)[1]).toBe('good, match: MTU 1500 is that of the overlay');
});

test('what is not known is neither match nor mismatch', () => {
  expect(checkDocker(hostWith(null)).map(({ health }) => health)).toEqual(['stale', 'stale']);
  expect(checkDocker(testHost('h1')).map(({ health }) => health)).toEqual(['stale', 'stale']);
});
