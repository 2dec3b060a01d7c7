import { Button } from '@mantine/core';
import { IconTerminal2 } from '@tabler/icons-react';
import type { AgentTraffic } from '../../contract/agent.ts';
import type { LiveHost, NetworkLink } from '../../contract/live.ts';
import { useClient } from '../rpc/use-client.ts';
import type { Health } from '../stream/verdict.ts';
import { openTerminalFor } from '../terminal/open.ts';
import { Age } from '../ui/age.tsx';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { count, formatBytes, formatMilliseconds, formatSeconds, formatTime } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { checkDocker } from './checks.ts';
import { healthOfPod, healthOfService } from './health.ts';
import { ipAddressText } from './ip-address.ts';
import { Facts, Panel } from './panel.tsx';
import styles from './panels.module.css';

interface Shared {
  readonly host: LiveHost;
  readonly stale: boolean;
}

const mono = (text: string) => <span className="mono">{text}</span>;

const order: readonly NetworkLink['role'][] = ['overlay', 'bridge', 'underlay'];

/** The interfaces that the overlay is made of, as `ip addr` shows them. */
export function InterfacesPanel({ host, stale }: Shared) {
  const links = order.flatMap((role) => host.links.filter((link) => link.role === role));
  const gateway = host.status.agent?.backend === 'host-gw';
  return (
    <Panel
      title="Interfaces"
      note={links.map(({ name }) => name).join(', ')}
      at={host.status.at}
      stale={stale}
      span="two"
    >
      {links.length === 0 ? (
        <p className={styles['quiet']}>No interface of this host has been seen.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard.
        <div className={styles['block']} tabIndex={0} role="group" aria-label="Interfaces of the host">
          {links.map((link) => (
            <pre key={link.name}>{ipAddressText(link)}</pre>
          ))}
        </div>
      )}
      {gateway && (
        <p className={styles['quiet']}>
          host-gw has no device of its own: packets go over the underlay as they are.
        </p>
      )}
    </Panel>
  );
}

function TimeLeft({ renewedAt, expiresAt }: { renewedAt: string; expiresAt: string }) {
  const now = useNow();
  const [renewed, expires] = [Date.parse(renewedAt), Date.parse(expiresAt)];
  const left = Math.max(0, expires - now) / 1000;
  const share = Math.min(1, left / Math.max(1, (expires - renewed) / 1000));
  const text = left === 0 ? 'expired' : `${formatSeconds(left)} left`;
  return (
    <>
      <div
        className={styles['bar']}
        role="meter"
        aria-label="Time left of the lease"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={text}
        data-health={(left === 0 ? 'bad' : share < 0.2 ? 'warning' : 'good') satisfies Health}
      >
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <Facts facts={[['Expires', `${formatTime(expiresAt)}, ${text}`]]} />
    </>
  );
}

/** The host's lease of a subnet in etcd. */
export function LeasePanel({ host, stale }: Shared) {
  const { agent } = host.status;
  const lease = agent?.lease ?? null;
  return (
    <Panel title="Lease" note={agent?.subnet ?? undefined} at={agent?.at ?? host.status.at} stale={stale}>
      {lease === null ? (
        <p className={styles['quiet']}>This host holds no lease.</p>
      ) : (
        <>
          <Facts
            facts={[
              ['Subnet', mono(agent?.subnet ?? 'none')],
              ['Network', mono(agent?.network ?? 'none')],
              ['Acquired', formatTime(lease.acquiredAt)],
              ['Renewed', formatTime(lease.renewedAt)],
            ]}
          />
          {lease.expiresAt === null ? (
            <p className={styles['quiet']}>A reservation: it does not expire.</p>
          ) : (
            <TimeLeft renewedAt={lease.renewedAt} expiresAt={lease.expiresAt} />
          )}
        </>
      )}
    </Panel>
  );
}

/** Docker with its bridge, and whether it uses what the overlay gave this host. */
export function DockerPanel({ host, stale }: Shared) {
  const { docker } = host.status;
  const { health, word } = healthOfService(host, 'docker');
  return (
    <Panel
      title="Docker"
      note={<Status health={stale ? 'stale' : health}>{stale ? `was ${word}` : word}</Status>}
      at={host.status.at}
      stale={stale}
    >
      <Facts
        facts={[
          ['bip', mono(docker?.bip ?? 'none')],
          ['mtu', mono(`${docker?.mtu ?? 'none'}`)],
          ['Version', docker?.version ?? 'not known'],
        ]}
      />
      <ul className={styles['checks']}>
        {checkDocker(host).map(({ health: found, sentence }) => (
          <li key={sentence}>
            <Status health={stale ? 'stale' : found}>
              <span className={styles['sentence']}>{sentence}</span>
            </Status>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The etcd member of this host, or how its agent reaches one elsewhere. */
export function EtcdPanel({ host, stale }: Shared) {
  const { etcd, status } = host;
  const { health, word } = healthOfService(host, 'etcd');
  const seen = status.agent?.etcd ?? null;
  return (
    <Panel
      title="etcd"
      note={<Status health={stale ? 'stale' : health}>{stale ? `was ${word}` : word}</Status>}
      at={status.at}
      stale={stale}
    >
      {etcd !== null && (
        <Facts
          facts={[
            ['Member', `${etcd.name}, ${etcd.leader ? 'leader' : 'follower'}`],
            ['Term', etcd.term],
            ['Version', etcd.version],
            ['Database', formatBytes(etcd.databaseBytes)],
            ['Latency', formatMilliseconds(etcd.latencyMilliseconds)],
          ]}
        />
      )}
      {etcd === null && (
        <p className={styles['quiet']}>
          {status.etcdMember
            ? 'The member does not describe itself.'
            : 'This host is no member of etcd; its agent uses the others.'}
        </p>
      )}
      {seen !== null && (
        <Facts
          facts={[
            [
              'Agent',
              seen.connected ? (
                <span key="c">connected since {formatTime(seen.since)}</span>
              ) : (
                `not connected: ${seen.error ?? 'no reason given'}`
              ),
            ],
          ]}
        />
      )}
    </Panel>
  );
}

/** What an agent that carries packets itself has not carried, by reason: `3 ttl, 1 spoofed`. */
function droppedText({ in: arriving, out: leaving }: AgentTraffic): string {
  const drops = new Map<string, number>();
  for (const [reason, packets] of [...Object.entries(arriving.drops), ...Object.entries(leaving.drops)])
    if (packets > 0) drops.set(reason, (drops.get(reason) ?? 0) + packets);
  return drops.size === 0 ? 'none' : [...drops].map(([reason, packets]) => `${packets} ${reason}`).join(', ');
}

/** The agent that programs the overlay. */
export function AgentPanel({ host, stale }: Shared) {
  const { agent } = host.status;
  const now = useNow();
  const { health, word } = healthOfService(host, 'agent');
  return (
    <Panel
      title="Agent"
      note={<Status health={stale ? 'stale' : health}>{stale ? `was ${word}` : word}</Status>}
      at={agent?.at ?? host.status.at}
      stale={stale}
    >
      {agent === null ? (
        <p className={styles['quiet']}>The agent has told nothing of itself.</p>
      ) : (
        <Facts
          facts={[
            ['Phase', agent.phase],
            ...(agent.waitingFor === null ? [] : [['Waits for', agent.waitingFor] as const]),
            ['Backend', agent.backend ?? 'none'],
            ['MTU', agent.mtu ?? 'none'],
            ['Interface', mono(`${agent.interface ?? 'none'} ${agent.publicIp ?? ''}`)],
            ['Version', agent.version],
            ['Up for', formatSeconds((now - Date.parse(agent.startedAt)) / 1000)],
            ['Repairs', agent.repairs === 0 ? 'none needed' : count(agent.repairs, 'repair')],
            ...(agent.traffic === null ? [] : [['Dropped packets', droppedText(agent.traffic)] as const]),
          ]}
        />
      )}
    </Panel>
  );
}

const peerHealth: Record<'programmed' | 'ignored' | 'failed', Health> = {
  programmed: 'good',
  ignored: 'warning',
  failed: 'bad',
};

function PeerCounts({ counted }: { counted: AgentTraffic['peers'][number] | undefined }) {
  if (counted === undefined) return <td colSpan={2}>not counted</td>;
  const { outBytes, outPackets, inBytes, inPackets } = counted;
  return (
    <>
      <td>{`${formatBytes(outBytes)}, ${count(outPackets, 'packet')}`}</td>
      <td>{`${formatBytes(inBytes)}, ${count(inPackets, 'packet')}`}</td>
    </>
  );
}

/** What the agent made of the leases of other hosts. */
export function PeersPanel({ host, stale }: Shared) {
  const { agent } = host.status;
  const peers = agent?.peers ?? [];
  const counts = new Map(agent?.traffic?.peers.map((peer) => [peer.subnet, peer]));
  const rows = () => [
    ['SUBNET', 'HOST', 'BACKEND', 'STATE', 'REASON', ...(counts.size === 0 ? [] : ['SENT', 'RECEIVED'])],
    ...peers.map((peer) => {
      const counted = counts.get(peer.subnet);
      return [
        ...[peer.subnet, peer.publicIp, peer.backendType, peer.state, peer.reason ?? ''],
        ...(counted === undefined ? [] : [`${counted.outBytes}`, `${counted.inBytes}`]),
      ];
    }),
  ];
  return (
    <Panel
      title="Peers"
      note={count(peers.length, 'lease of others', 'leases of others')}
      at={agent?.at ?? host.status.at}
      stale={stale}
      span="all"
    >
      {peers.length === 0 ? (
        <p className={styles['quiet']}>The agent sees no lease of another host.</p>
      ) : (
        <div className={styles['table']}>
          <div className={styles['tools']}>
            <CopyMenu label="peers" rows={rows} json={() => peers} />
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
          <div className={styles['scroll']} tabIndex={0} role="group" aria-label="Peers of the agent">
            <table>
              <thead>
                <tr>
                  <th scope="col">Subnet</th>
                  <th scope="col">Host</th>
                  <th scope="col">Backend</th>
                  <th scope="col">State</th>
                  {counts.size > 0 && (
                    <>
                      <th scope="col">Sent</th>
                      <th scope="col">Received</th>
                    </>
                  )}
                </tr>
              </thead>
              <tbody>
                {peers.map((peer) => (
                  <tr key={`${peer.subnet} ${peer.publicIp}`}>
                    <td>{mono(peer.subnet)}</td>
                    <td>{mono(peer.publicIp)}</td>
                    <td>{peer.backendType}</td>
                    <td>
                      <Status health={stale ? 'stale' : peerHealth[peer.state]}>{peer.state}</Status>
                      {peer.reason !== null && <span className={styles['reason']}>{peer.reason}</span>}
                    </td>
                    {counts.size > 0 && <PeerCounts counted={counts.get(peer.subnet)} />}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
    </Panel>
  );
}

/** The pods that run on this host. */
export function PodsPanel({ host, stale, lab }: Shared & { lab: string }) {
  const client = useClient();
  const { pods } = host.status;
  const rows = () => [
    ['POD', 'STATE', 'ADDRESS', 'IMAGE'],
    ...pods.map((pod) => [pod.name, pod.state, pod.address ?? '', pod.image]),
  ];
  return (
    <Panel title="Pods" note={count(pods.length, 'pod')} at={host.status.at} stale={stale} span="two">
      {pods.length === 0 ? (
        <p className={styles['quiet']}>No pod runs here.</p>
      ) : (
        <div className={styles['table']}>
          <div className={styles['tools']}>
            <CopyMenu label="pods" rows={rows} json={() => pods} />
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
          <div className={styles['scroll']} tabIndex={0} role="group" aria-label="Pods of the host">
            <table>
              <thead>
                <tr>
                  <th scope="col">Pod</th>
                  <th scope="col">State</th>
                  <th scope="col">Address</th>
                  <th scope="col">Image</th>
                  <th scope="col">
                    <span className={styles['hidden']}>Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {pods.map((pod) => (
                  <tr key={pod.name}>
                    <td>{pod.name}</td>
                    <td>
                      <Status health={stale ? 'stale' : healthOfPod[pod.state].health}>
                        {stale ? `was ${healthOfPod[pod.state].word}` : healthOfPod[pod.state].word}
                      </Status>
                    </td>
                    <td>{mono(pod.address ?? 'none')}</td>
                    <td>{mono(pod.image)}</td>
                    <td className={styles['end']}>
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        color="gray"
                        leftSection={<IconTerminal2 size={14} />}
                        aria-label={`Terminal in ${pod.name}`}
                        disabled={pod.state !== 'running' || host.reach.kind !== 'connected'}
                        onClick={() => openTerminalFor(client, lab, pod.name)}
                      >
                        Terminal
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
    </Panel>
  );
}

/** The machine itself. */
export function MachinePanel({ host, stale }: Shared) {
  const { status, kernel, bootedAt } = host;
  return (
    <Panel title="Machine" note={status.provider} at={status.at} stale={stale}>
      <Facts
        facts={[
          ['Address', mono(status.address)],
          ['Kernel', kernel === null ? 'not known' : mono(kernel)],
          [
            'Booted',
            bootedAt === null ? (
              'not known'
            ) : (
              <span key="b">
                {new Date(bootedAt).toLocaleString()},{' '}
                <Age at={bootedAt} staleAfter={Number.POSITIVE_INFINITY} /> ago
              </span>
            ),
          ],
        ]}
      />
    </Panel>
  );
}
