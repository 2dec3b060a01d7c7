import type { LiveHost } from '../../contract/live.ts';
import type { HostStatus } from '../../contract/status.ts';
import type { Health } from '../stream/verdict.ts';

/** Health with the word that goes with it. */
export interface Told {
  readonly health: Health;
  readonly word: string;
}

type Service = keyof HostStatus['services'];

/** A status older than this, in ms, is not vouched for any more. */
export const statusFreshFor = 12_000;

const told: Record<HostStatus['services'][Service], Told> = {
  running: { health: 'good', word: 'running' },
  starting: { health: 'working', word: 'starting' },
  failed: { health: 'bad', word: 'failed' },
  absent: { health: 'warning', word: 'absent' },
  unknown: { health: 'stale', word: 'unknown' },
};

/** The state of a service of a host. A host that is no member of etcd needs none. */
export function healthOfService({ status }: LiveHost, service: Service): Told {
  const state = status.services[service];
  if (service === 'etcd' && state === 'absent' && !status.etcdMember)
    return { health: 'stale', word: 'no member' };
  return told[state];
}

/** Whether what is known of a host is too old to be vouched for. `now` is Unix time in ms. */
export const isStale = (host: LiveHost, now: number): boolean =>
  host.reach.kind !== 'connected' || now - Date.parse(host.status.at) > statusFreshFor;

/** The health of a host in one word, the worst of what is known. Pure; `now` is Unix time in ms. */
export function healthOfHost(host: LiveHost, now: number): Told {
  const { reach, status } = host;
  if (reach.kind === 'reconnecting') return { health: 'stale', word: 'lost' };
  if (reach.kind === 'connecting') return { health: 'working', word: 'connecting' };
  const services = (['etcd', 'agent', 'docker'] as const).map((service) => ({
    service,
    ...healthOfService(host, service),
  }));
  const failed = services.find(({ health }) => health === 'bad');
  if (failed) return { health: 'bad', word: `${failed.service} failed` };
  if (isStale(host, now)) return { health: 'stale', word: 'stale' };
  const absent = services.find(({ health }) => health === 'warning');
  if (absent) return { health: 'warning', word: `no ${absent.service}` };
  const missing = status.pods.filter(({ state }) => state === 'missing').length;
  if (missing > 0)
    return { health: 'warning', word: missing === 1 ? 'a pod is missing' : `${missing} pods missing` };
  if (status.agent?.phase === 'waiting') return { health: 'warning', word: 'agent waits' };
  if (services.some(({ health }) => health === 'working')) return { health: 'working', word: 'starting' };
  if (services.some(({ word }) => word === 'unknown')) return { health: 'stale', word: 'unknown' };
  return { health: 'good', word: 'healthy' };
}

/** The state of a pod. */
export const healthOfPod: Record<HostStatus['pods'][number]['state'], Told> = {
  running: { health: 'good', word: 'running' },
  exited: { health: 'warning', word: 'exited' },
  missing: { health: 'bad', word: 'missing' },
  unknown: { health: 'stale', word: 'unknown' },
};

/** When the next attempt to reach a host begins, in whole seconds from `now`, as the screens say it. */
export function reconnectText(nextTryAt: string, now: number): string {
  const seconds = Math.ceil((Date.parse(nextTryAt) - now) / 1000);
  return seconds <= 0 ? 'reconnecting now' : `reconnecting in ${seconds} s`;
}
