import type { Host, Lab } from '../../contract/lab.ts';
import type { PlacedFile } from '../host/connection.ts';
import type { Credentials } from './certificates.ts';
import { etcdService } from './service.ts';

const directory = '/etc/flatland/etcd';
export const authorityFile = `${directory}/authority.pem`;
export const certificateFile = `${directory}/host.pem`;
export const keyFile = `${directory}/host.key`;

const scheme = (lab: Lab) => (lab.etcd.tls ? 'https' : 'http');
const clientUrl = (lab: Lab, host: Host) => `${scheme(lab)}://${host.address}:2379`;
export const etcdPeerUrl = (lab: Lab, host: Host) => `${scheme(lab)}://${host.address}:2380`;

const members = (lab: Lab): Host[] => lab.hosts.filter((host) => lab.etcd.members.includes(host.name));

/** Every member's client URL, for the agents and for us. */
export const etcdEndpoints = (lab: Lab): string[] => members(lab).map((host) => clientUrl(lab, host));

/** How a member finds the others: all begin together, or it joins members that run already. */
export type EtcdStart =
  | { readonly kind: 'new' }
  | { readonly kind: 'join'; readonly members: readonly string[] };

/**
 * The unit of one etcd member: mTLS, listening on the underlay only, as a user of its own.
 * Keys reach it as credentials in `%d` (systemd.exec(5)), so that only root can read the files.
 */
export function etcdUnit(lab: Lab, host: Host, start: EtcdStart): string {
  const names = start.kind === 'new' ? lab.etcd.members : start.members;
  const cluster = lab.hosts
    .filter(({ name }) => names.includes(name))
    .map((member) => `${member.name}=${etcdPeerUrl(lab, member)}`);
  const tls = lab.etcd.tls
    ? [
        '--client-cert-auth',
        '--trusted-ca-file=%d/authority',
        '--cert-file=%d/certificate',
        '--key-file=%d/key',
        '--peer-client-cert-auth',
        '--peer-trusted-ca-file=%d/authority',
        '--peer-cert-file=%d/certificate',
        '--peer-key-file=%d/key',
      ]
    : [];
  const arguments_ = [
    `--name=${host.name}`,
    '--data-dir=/var/lib/flatland/etcd',
    `--listen-client-urls=${clientUrl(lab, host)}`,
    `--advertise-client-urls=${clientUrl(lab, host)}`,
    `--listen-peer-urls=${etcdPeerUrl(lab, host)}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl(lab, host)}`,
    `--initial-cluster=${cluster.join(',')}`,
    `--initial-cluster-state=${start.kind === 'new' ? 'new' : 'existing'}`,
    `--initial-cluster-token=${lab.id}`,
    // Members of a lab are a millisecond apart at most: a leader is elected, or missed, within half a second.
    '--heartbeat-interval=100',
    '--election-timeout=500',
    // The plan adds members one at a time, each once the last is well; etcd's own rule would have it wait five seconds more.
    '--strict-reconfig-check=false',
    '--auto-compaction-retention=1h',
    '--logger=zap',
    '--log-level=warn',
    ...tls,
  ];
  return [
    '[Unit]',
    'Description=etcd member of a Flatland lab',
    'After=network.target',
    '',
    '[Service]',
    'Type=notify',
    'User=etcd',
    'StateDirectory=flatland/etcd',
    'StateDirectoryMode=0700',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    // A leader that waits for its turn is taken for dead by the others.
    'Nice=-10',
    ...(lab.etcd.tls
      ? [
          `LoadCredential=authority:${authorityFile}`,
          `LoadCredential=certificate:${certificateFile}`,
          `LoadCredential=key:${keyFile}`,
        ]
      : []),
    `ExecStart=/usr/bin/etcd ${arguments_.join(' ')}`,
    'Restart=always',
    'RestartSec=500ms',
    'LimitNOFILE=40000',
    'TimeoutStartSec=60',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** The files that let a host speak to etcd, and be a member when it is one. */
export function etcdFiles(
  lab: Lab,
  host: Host,
  start: EtcdStart,
  authority: string,
  credentials: Credentials,
): PlacedFile[] {
  const tls: PlacedFile[] = lab.etcd.tls
    ? [
        { path: authorityFile, mode: 0o644, content: authority },
        { path: certificateFile, mode: 0o644, content: credentials.certificate },
        { path: keyFile, mode: 0o600, content: credentials.privateKey },
      ]
    : [];
  if (!lab.etcd.members.includes(host.name)) return tls;
  return [
    ...tls,
    { path: `/etc/systemd/system/${etcdService.unit}`, mode: 0o644, content: etcdUnit(lab, host, start) },
  ];
}
