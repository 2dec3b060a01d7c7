import type { Host, Lab } from '../../contract/lab.ts';
import type { ProbeResult, Proof } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import type { Connection, PlacedFile } from '../host/connection.ts';
import { bootSandbox, raiseUnderlay, sandboxNode } from '../host/sandbox/sandbox.ts';
import type { RootSession } from '../host/sandbox/session.ts';
import { agentFiles, networkConfigKey, networkPrefix } from '../provision/agent.ts';
import { ensureAgent } from '../provision/agent-service.ts';
import { dockerOf, ensureDocker, ensurePod, removePods } from '../provision/docker.ts';
import { etcdFiles, etcdPeerUrl } from '../provision/etcd.ts';
import { type EtcdClient, openEtcd } from '../provision/etcd-client.ts';
import { ensureFiles } from '../provision/files.ts';
import { ensureImage } from '../provision/image.ts';
import { formatNetworkConfig } from '../provision/network-config.ts';
import { agentService, etcdService, readService, startService, startSoon } from '../provision/service.ts';
import type { Ledger } from './ledger.ts';
import type { Work } from './plan.ts';
import { prove } from './prove.ts';
import type { StepContext, StepOutcome } from './schedule.ts';
import { type Connections, type Installation, keysOf } from './session.ts';
import type { LabRecord, Secrets } from './state.ts';

/** All that the steps of one `up` share. `proof` is filled by the last step. */
export interface UpSession {
  readonly lab: Lab;
  /** Nothing of this lab was there before. */
  readonly isNew: boolean;
  readonly record: LabRecord;
  readonly secrets: Secrets;
  readonly ledger: Ledger;
  readonly root: RootSession;
  readonly installation: Installation;
  readonly connections: Connections;
  readonly onProbe: (result: ProbeResult) => void;
  proof: Proof | null;
}

const changed = (detail: string | null = null): StepOutcome => ({ outcome: 'changed', detail });
const unchanged = (detail: string | null = null): StepOutcome => ({ outcome: 'unchanged', detail });

function hostOf(lab: Lab, name: string): Host {
  const found = lab.hosts.find((host) => host.name === name);
  if (found === undefined)
    throw failure('host-unknown', `There is no host ${JSON.stringify(name)} in lab ${lab.name}.`);
  return found;
}

const connectionTo = (session: UpSession, name: string, signal: AbortSignal): Promise<Connection> =>
  session.connections.get(hostOf(session.lab, name), signal, 10);

async function boot(session: UpSession, name: string, context: StepContext): Promise<StepOutcome> {
  const { lab, ledger, root, secrets, connections } = session;
  await ledger.begin({ kind: 'sandbox-host', lab: lab.id, host: name });
  context.signal.throwIfAborted();
  const keys = keysOf(secrets, name);
  const host = hostOf(lab, name);
  const booted = await bootSandbox(root, lab, host, keys, { ...context, deadlineSeconds: 45 });
  connections.keep(booted.connection);
  return booted.changed ? changed() : unchanged();
}

/** Everything that is written to a host. */
async function filesOf(
  { lab, record, secrets, installation }: UpSession,
  host: Host,
): Promise<{ etcd: PlacedFile[]; agent: PlacedFile[] }> {
  const own = secrets.hosts[host.name];
  if (own === undefined) throw failure('host-unknown', `Host ${host.name} has no certificate in this lab.`);
  const start = record.etcdStarts[host.name] ?? { kind: 'new' };
  return {
    etcd: etcdFiles(lab, host, start, secrets.authority.certificate, own.certificate),
    agent: agentFiles(lab, host, await installation.agent(), sandboxNode),
  };
}

async function place(session: UpSession, name: string, context: StepContext): Promise<StepOutcome> {
  const [connection, files] = await Promise.all([
    connectionTo(session, name, context.signal),
    filesOf(session, hostOf(session.lab, name)),
  ]);
  const written = await ensureFiles(connection, [...files.etcd, ...files.agent], context.signal);
  // An agent that finds no configuration yet waits for it; it loads while etcd elects its leader.
  if (session.isNew) await startSoon(connection, agentService, context.signal);
  return written === 0 ? unchanged() : changed(`${written} files`);
}

async function withEtcd<T>(
  session: UpSession,
  signal: AbortSignal,
  use: (etcd: EtcdClient) => Promise<T>,
): Promise<T> {
  const { lab, secrets, record } = session;
  const running = lab.etcd.members.filter((name) => record.etcdStarts[name]?.kind !== 'join');
  const name = running[0] ?? lab.etcd.members[0];
  if (name === undefined) throw failure('etcd-failed', `Lab ${lab.name} has no etcd member.`);
  const connection = await connectionTo(session, name, signal);
  const etcd = await openEtcd(
    connection,
    lab,
    hostOf(lab, name).address,
    secrets.authority.certificate,
    secrets.operator,
  );
  try {
    return await use(etcd);
  } finally {
    await etcd.close();
  }
}

async function etcd(
  session: UpSession,
  name: string,
  joins: boolean,
  context: StepContext,
): Promise<StepOutcome> {
  const connection = await connectionTo(session, name, context.signal);
  if (joins) {
    const url = etcdPeerUrl(session.lab, hostOf(session.lab, name));
    await withEtcd(session, context.signal, async (client) => {
      const known = (await client.members()).some(({ peerUrls }) => peerUrls.includes(url));
      if (known) return;
      context.progress('waiting until the cluster takes a new member');
      await client.addMember(url, context.signal);
    });
  }
  // A member that runs is left alone: what its unit says of the others only matters at its first start.
  const { running } = await readService(connection, etcdService, context.signal);
  if (running) return unchanged();
  context.progress('waiting for a quorum');
  await startService(connection, etcdService, 'start', context);
  return changed();
}

async function etcdLeave(
  session: UpSession,
  hosts: readonly string[],
  context: StepContext,
): Promise<StepOutcome> {
  await withEtcd(session, context.signal, async (client) => {
    for (const member of await client.members()) {
      if (hosts.includes(member.name)) await client.removeMember(member.id);
    }
  });
  for (const host of hosts) {
    if (!session.lab.hosts.some(({ name }) => name === host)) continue;
    const connection = await connectionTo(session, host, context.signal);
    await connection.script('systemctl stop flatland-etcd.service; rm -rf /var/lib/flatland/etcd', [], {
      signal: context.signal,
    });
  }
  return changed(hosts.join(', '));
}

/** Stores flannel's network configuration; leases that do not fit a new range are removed with the old one. */
async function network(session: UpSession, context: StepContext): Promise<StepOutcome> {
  const { lab } = session;
  const config = formatNetworkConfig(lab.network);
  return withEtcd(session, context.signal, async (client) => {
    const before = await client.get(networkConfigKey);
    if (before === config) return unchanged(lab.network.cidr);
    const applied = session.record.applied;
    if (applied !== null && applied.network.cidr !== lab.network.cidr)
      await client.remove(`${networkPrefix}/subnets/`);
    await client.put(networkConfigKey, config);
    return changed(`${lab.network.cidr}, ${lab.network.backend.type}`);
  });
}

async function agent(session: UpSession, name: string, context: StepContext): Promise<StepOutcome> {
  const [connection, files] = await Promise.all([
    connectionTo(session, name, context.signal),
    filesOf(session, hostOf(session.lab, name)),
  ]);
  const network = formatNetworkConfig(session.lab.network);
  const { outcome, subnet } = await ensureAgent(
    connection,
    { files: files.agent, network, node: sandboxNode },
    context,
  );
  return outcome === 'changed' ? changed(subnet) : unchanged(subnet);
}

async function removeHost(session: UpSession, name: string): Promise<StepOutcome> {
  const { lab, root, ledger, connections } = session;
  await connections.drop(name);
  await root.perform({ verb: 'stop-host', lab: lab.id, host: name, storage: 'remove' });
  await ledger.undone({ kind: 'sandbox-host', lab: lab.id, host: name });
  return changed();
}

/** Does the work of one step. Every case may be repeated: it makes sure of something rather than doing it. */
export async function performWork(
  session: UpSession,
  work: Work,
  context: StepContext,
): Promise<StepOutcome> {
  const { lab } = session;
  switch (work.kind) {
    case 'underlay':
      await session.ledger.begin({ kind: 'sandbox-underlay', lab: lab.id });
      context.signal.throwIfAborted();
      return (await raiseUnderlay(session.root, lab))
        ? changed(lab.underlay.cidr)
        : unchanged(lab.underlay.cidr);
    case 'boot':
      return boot(session, work.host, context);
    case 'place':
      return place(session, work.host, context);
    case 'etcd':
      return etcd(session, work.host, work.joins, context);
    case 'etcd-leave':
      return etcdLeave(session, work.hosts, context);
    case 'network':
      return network(session, context);
    case 'agent':
      return agent(session, work.host, context);
    case 'docker': {
      const connection = await connectionTo(session, work.host, context.signal);
      return (await ensureDocker(connection, context)) === 'changed' ? changed() : unchanged();
    }
    case 'image': {
      const connection = await connectionTo(session, work.host, context.signal);
      return (await ensureImage(connection, work.image, context)) === 'changed' ? changed() : unchanged();
    }
    case 'remove-pods': {
      const docker = dockerOf(await connectionTo(session, work.host, context.signal));
      const count = await removePods(docker, work.host, work.pods, context.signal);
      return count > 0 ? changed(work.pods.join(', ')) : unchanged();
    }
    case 'pod': {
      const pod = lab.pods.find(({ name }) => name === work.pod);
      if (pod === undefined) throw new Error(`the plan names an unknown pod ${work.pod}`);
      const docker = dockerOf(await connectionTo(session, pod.host, context.signal));
      const result = await ensurePod(docker, lab.name, pod, true, context.signal);
      const address = result.pod.status.address;
      return result.outcome === 'changed' ? changed(address) : unchanged(address);
    }
    case 'remove-host':
      return removeHost(session, work.host);
    case 'proof': {
      const look = async () => {
        const results: ProbeResult[] = [];
        const connect = (host: Host) => session.connections.get(host, context.signal, 5);
        const proof = await prove(lab, connect, null, (result) => results.push(result), context.signal);
        return { proof, results };
      };
      let seen = await look();
      if (seen.proof.greenCells < seen.proof.cells) {
        // A network that came up a moment ago may still be settling: what is red counts if a second look agrees.
        context.progress(`${seen.proof.cells - seen.proof.greenCells} probes were red, measuring again`);
        seen = await look();
      }
      for (const result of seen.results) session.onProbe(result);
      session.proof = seen.proof;
      const { greenCells, cells } = seen.proof;
      if (greenCells < cells) throw failure('proof-red', `${cells - greenCells} of ${cells} probes are red.`);
      return changed(`${greenCells} of ${cells} probes green`);
    }
    case 'lower-underlay':
    case 'forget':
      throw new Error(`${work.kind} belongs to down`);
  }
}
