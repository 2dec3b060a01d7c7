import { stat } from 'node:fs/promises';
import type { z } from 'zod';
import type { AgentStatus } from '../../contract/agent.ts';
import type { Host, Lab } from '../../contract/lab.ts';
import type { HostStatus, LabStatus, LabSummary, PodStatus, serviceState } from '../../contract/status.ts';
import { toFlatlandError } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { readAgentStatus } from '../provision/agent-status.ts';
import { dockerOf, dockerVersion, listPods, readDockerOptions } from '../provision/docker.ts';
import { agentService, dockerService, etcdService } from '../provision/service.ts';
import { lockHolder } from './lock.ts';
import { type Connections, openLab } from './session.ts';
import { type LabRecord, labDirectory, labIdentifier, labNames, readRecord } from './state.ts';

export async function stateOf(record: LabRecord): Promise<LabSummary['state']> {
  if ((await lockHolder(record.lab.id)) !== null) return 'busy';
  return record.complete ? 'up' : 'half-built';
}

/** When a lab's folder was made, for a lab of which nothing else is known. */
const directoryTime = async (name: string): Promise<string> =>
  (
    await stat(labDirectory(name)).then(
      ({ birthtime }) => birthtime,
      () => new Date(),
    )
  ).toISOString();

/** What `ls` shows; a lab whose record cannot be read is half-built, and `down` still knows it by its ledger. */
export async function listLabs(): Promise<LabSummary[]> {
  const names = await labNames();
  return Promise.all(
    names.map(async (name) => {
      const record = await readRecord(name);
      if (record === null) {
        const state =
          (await lockHolder(labIdentifier(name))) === null ? ('half-built' as const) : ('busy' as const);
        return {
          name,
          state,
          createdAt: await directoryTime(name),
          hosts: 0,
          pods: 0,
          backend: '',
          cidr: '',
          underlay: '',
        };
      }
      const { lab, createdAt } = record;
      return {
        name,
        state: await stateOf(record),
        createdAt,
        hosts: lab.hosts.length,
        pods: lab.pods.length,
        backend: lab.network.backend.type,
        cidr: lab.network.cidr,
        underlay: lab.underlay.cidr,
      };
    }),
  );
}

type ServiceState = z.infer<typeof serviceState>;

/** systemd's word for a unit (systemctl(1), is-active) in ours. */
function toServiceState(word: string | undefined): ServiceState {
  if (word === 'active') return 'running';
  if (word === 'activating' || word === 'reloading') return 'starting';
  if (word === 'failed') return 'failed';
  return word === 'inactive' || word === 'deactivating' ? 'absent' : 'unknown';
}

/** What was read of a host. `units`: systemd's words for etcd, agent and Docker; null: it could not be asked. */
export interface HostReading {
  readonly units: readonly string[];
  readonly agent: AgentStatus | null;
  readonly options: { readonly bip: string | null; readonly mtu: number | null };
  readonly version: string | null;
  readonly pods: readonly PodStatus[] | null;
}

/** The units whose state is part of a host's status, in the order of `HostReading.units`. */
export const statusUnits = [etcdService.unit, agentService.unit, dockerService.unit];

/** Pods of the lab file that were not found on their host. */
const absentPods = (
  lab: Lab,
  host: Host,
  found: readonly PodStatus[],
  state: PodStatus['state'],
): PodStatus[] =>
  lab.pods
    .filter((pod) => pod.host === host.name && !found.some(({ name }) => name === pod.name))
    .map((pod) => ({ ...pod, state, address: null, declared: true }));

/** The status of a host that does not answer. */
export const silentStatus = (lab: Lab, host: Host, error: string | null): HostStatus => ({
  name: host.name,
  address: host.address,
  provider: host.provider.type,
  reach: 'lost',
  at: new Date().toISOString(),
  services: { etcd: 'unknown', agent: 'unknown', docker: 'unknown' },
  etcdMember: lab.etcd.members.includes(host.name),
  docker: null,
  agent: null,
  pods: absentPods(lab, host, [], 'unknown'),
  error,
});

/** The status of a host, of what was read of it just now. */
export function statusOf(lab: Lab, host: Host, reading: HostReading): HostStatus {
  const { units, agent, options, version, pods } = reading;
  const [etcdWord, agentWord, dockerWord] = units;
  return {
    name: host.name,
    address: host.address,
    provider: host.provider.type,
    reach: 'connected',
    at: new Date().toISOString(),
    services: {
      etcd: toServiceState(etcdWord),
      agent: toServiceState(agentWord),
      docker: toServiceState(dockerWord),
    },
    etcdMember: lab.etcd.members.includes(host.name),
    docker: version === null ? null : { ...options, version },
    agent,
    pods: [...(pods ?? []), ...absentPods(lab, host, pods ?? [], pods === null ? 'unknown' : 'missing')],
    error: null,
  };
}

async function askHost(lab: Lab, host: Host, connection: Connection): Promise<HostStatus> {
  const docker = dockerOf(connection);
  const [units, agent, options, version, pods] = await Promise.all([
    connection.exec(['systemctl', 'is-active', ...statusUnits], { anyExit: true, deadlineSeconds: 5 }),
    readAgentStatus(connection).catch(() => null),
    readDockerOptions(connection),
    dockerVersion(docker).catch(() => null),
    listPods(docker, host.name, AbortSignal.timeout(5000)).catch(() => null),
  ]);
  return statusOf(lab, host, {
    units: units.stdout.split('\n'),
    agent,
    options,
    version,
    pods: pods?.map(({ status }) => status) ?? null,
  });
}

/** Asks every host of a lab, side by side; a host that does not answer within seconds is shown as lost. */
export async function readStatus(
  choice: string | undefined,
  connectionsOf: (name: string) => Promise<Connections>,
): Promise<LabStatus> {
  const { record } = await openLab(choice);
  const { lab } = record;
  const connections = await connectionsOf(lab.name);
  const hosts = await Promise.all(
    lab.hosts.map(async (host) => {
      try {
        const connection = await connections.get(host, AbortSignal.timeout(5000), 3);
        return await askHost(lab, host, connection);
      } catch (thrown) {
        return silentStatus(lab, host, toFlatlandError(thrown).message);
      }
    }),
  );
  return { lab, state: await stateOf(record), at: new Date().toISOString(), hosts };
}
