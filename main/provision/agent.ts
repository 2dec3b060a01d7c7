import type { Host, Lab } from '../../contract/lab.ts';
import type { PlacedFile } from '../host/connection.ts';
import { authorityFile, certificateFile, etcdEndpoints, keyFile } from './etcd.ts';
import { agentService } from './service.ts';

/** Where flannel's users look for its files; Docker's options are what flannel's mk-docker-opts.sh would write. */
const subnetFile = '/run/flannel/subnet.env';
export const dockerOptionsFile = '/run/flannel/docker.env';
export const statusSocket = '/run/flatland/agent.sock';
const directory = '/opt/flatland/agent';

/** Removes what an agent left in the kernel of its host. */
export const cleanupCommand = (node: string) => [node, `${directory}/agent.cjs`, 'cleanup'];

/** The bundled agent as it lies in Flatland's own installation. */
export interface AgentBundle {
  readonly script: Uint8Array;
  readonly nativeModule: Uint8Array;
}

/** The key of flannel's network configuration in etcd. */
export const networkPrefix = '/coreos.com/network';
export const networkConfigKey = `${networkPrefix}/config`;

/** The agent's unit: ready once its subnet is held and programmed, with the capabilities that this needs and no other. */
export function agentUnit(lab: Lab, host: Host, node: string): string {
  const arguments_ = [
    `-etcd-endpoints=${etcdEndpoints(lab).join(',')}`,
    `-etcd-prefix=${networkPrefix}`,
    ...(lab.etcd.tls
      ? [`-etcd-cafile=${authorityFile}`, `-etcd-certfile=${certificateFile}`, `-etcd-keyfile=${keyFile}`]
      : []),
    `-iface=${host.address}`,
    '-ip-masq',
    `-subnet-file=${subnetFile}`,
    `-docker-options-file=${dockerOptionsFile}`,
    `-status-socket=${statusSocket}`,
  ];
  return [
    '[Unit]',
    'Description=Flatland agent (flannel-compatible overlay)',
    'After=network.target',
    'Before=docker.service',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    'SyslogIdentifier=flatland-agent',
    `ExecStart=${node} ${directory}/agent.cjs ${arguments_.join(' ')}`,
    'RuntimeDirectory=flannel flatland',
    'RuntimeDirectoryPreserve=yes',
    // With the udp backend it carries the packets, which must not wait behind what the pods do.
    'Nice=-10',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_MODULE',
    'Restart=always',
    // Until the next process has its descriptors, packets of the udp backend wait in their queues.
    'RestartSec=100ms',
    'FileDescriptorStoreMax=16',
    'TimeoutStartSec=infinity',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** The agent, its unit, and the drop-in that lets Docker start after it with the lease's `bip`, `mtu` and `ip-masq`. */
export function agentFiles(lab: Lab, host: Host, bundle: AgentBundle, node: string): PlacedFile[] {
  const dropIn = [
    '[Unit]',
    `After=${agentService.unit}`,
    `Wants=${agentService.unit}`,
    '',
    '[Service]',
    `EnvironmentFile=${dockerOptionsFile}`,
    '',
  ].join('\n');
  return [
    { path: `${directory}/agent.cjs`, mode: 0o644, content: bundle.script },
    { path: `${directory}/koffi.node`, mode: 0o644, content: bundle.nativeModule },
    { path: `/etc/systemd/system/${agentService.unit}`, mode: 0o644, content: agentUnit(lab, host, node) },
    { path: '/etc/systemd/system/docker.service.d/flatland.conf', mode: 0o644, content: dropIn },
  ];
}
