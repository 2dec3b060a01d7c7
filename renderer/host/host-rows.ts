import type { LiveHost } from '../../contract/live.ts';
import { checkDocker } from './checks.ts';

/** All of a host as rows of a name and a value, the head first, for who wants it as text. */
export function hostRows({ name, reach, status, links, etcd, kernel, bootedAt }: LiveHost): string[][] {
  const { agent, docker } = status;
  const rows: (readonly [string, string | number | null | undefined])[] = [
    ['host', name],
    ['reach', reach.kind === 'reconnecting' ? `lost: ${reach.reason}` : reach.kind],
    ['read at', status.at],
    ['address', status.address],
    ['provider', status.provider],
    ['kernel', kernel],
    ['booted at', bootedAt],
    ...(['etcd', 'agent', 'docker'] as const).map((service) => [service, status.services[service]] as const),
    ...links.map(
      (link) =>
        [
          link.role,
          `${link.name} mtu ${link.mtu} state ${link.operationalState} ${link.addresses.join(' ')}`,
        ] as const,
    ),
    ['subnet', agent?.subnet],
    ['lease acquired', agent?.lease?.acquiredAt],
    ['lease renewed', agent?.lease?.renewedAt],
    ['lease expires', agent?.lease?.expiresAt],
    ['docker bip', docker?.bip],
    ['docker mtu', docker?.mtu],
    ['docker version', docker?.version],
    ...checkDocker({ status, links }).map(({ sentence }) => ['docker check', sentence] as const),
    [
      'etcd member',
      etcd === null ? null : `${etcd.name} ${etcd.leader ? 'leader' : 'follower'}, term ${etcd.term}`,
    ],
    ['etcd version', etcd?.version],
    ['agent version', agent?.version],
    ['agent phase', agent?.phase],
    ['agent waits for', agent?.waitingFor],
    ['backend', agent?.backend],
    ['repairs', agent?.repairs],
    ...status.pods.map(
      (pod) => ['pod', `${pod.name} ${pod.state} ${pod.address ?? '-'} ${pod.image}`] as const,
    ),
  ];
  return [
    ['WHAT', 'VALUE'],
    ...rows.flatMap(([what, value]) =>
      value === null || value === undefined ? [] : [[what, String(value)]],
    ),
  ];
}
