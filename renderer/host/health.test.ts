import { expect, test } from 'vitest';
import type { LiveHost } from '../../contract/live.ts';
import { testHost } from '../stream/fixture.ts';
import { healthOfHost, healthOfService, isStale, reconnectText } from './health.ts';

const now = Date.parse('2026-01-01T00:00:03.000Z');

function withServices(services: Partial<LiveHost['status']['services']>, etcdMember = true): LiveHost {
  const host = testHost('h1');
  return {
    ...host,
    status: { ...host.status, etcdMember, services: { ...host.status.services, ...services } },
  };
}

test('a host is as well as the worst of its services', () => {
  expect(healthOfHost(withServices({}), now)).toEqual({ health: 'good', word: 'healthy' });
  expect(healthOfHost(withServices({ agent: 'starting', docker: 'failed' }), now)).toEqual({
    health: 'bad',
    word: 'docker failed',
  });
  expect(healthOfHost(withServices({ agent: 'starting' }), now).health).toBe('working');
  expect(healthOfHost(withServices({ docker: 'absent' }), now)).toEqual({
    health: 'warning',
    word: 'no docker',
  });
  expect(healthOfHost(withServices({ docker: 'unknown' }), now).health).toBe('stale');
});

test('a host that is no member needs no etcd', () => {
  expect(healthOfHost(withServices({ etcd: 'absent' }, false), now).word).toBe('healthy');
  expect(healthOfService(withServices({ etcd: 'absent' }, false), 'etcd').word).toBe('no member');
  expect(healthOfHost(withServices({ etcd: 'absent' }, true), now).word).toBe('no etcd');
});

test('what is old or lost is grey, not green', () => {
  expect(healthOfHost(testHost('h1'), now + 60_000)).toEqual({ health: 'stale', word: 'stale' });
  const lost = testHost('h1', {
    kind: 'reconnecting',
    attempt: 1,
    nextTryAt: '2026-01-01T00:00:06.000Z',
    reason: 'silent',
  });
  expect(healthOfHost(lost, now)).toEqual({ health: 'stale', word: 'lost' });
  expect(isStale(lost, now)).toBe(true);
  expect(healthOfHost(testHost('h1', { kind: 'connecting' }), now).health).toBe('working');
});

test('the time to the next attempt counts down in whole seconds', () => {
  const next = '2026-01-01T00:00:06.000Z';
  expect(reconnectText(next, now)).toBe('reconnecting in 3 s');
  expect(reconnectText(next, now + 2100)).toBe('reconnecting in 1 s');
  expect(reconnectText(next, now + 9000)).toBe('reconnecting now');
});
