import { createHash } from 'node:crypto';
import { z } from 'zod';
import { agentStatus } from '../../contract/agent.ts';

import type { Host, Lab } from '../../contract/lab.ts';
import type { ProbeResult, Proof } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import type { Connection, PlacedFile } from '../host/connection.ts';
import { bootSandbox, raiseUnderlay, sandboxNode } from '../host/sandbox/sandbox.ts';
import type { RootSession } from '../host/sandbox/session.ts';
import { runProof } from '../probe/proof.ts';
import { agentFiles, networkConfigKey, networkPrefix } from '../provision/agent.ts';
import { readAgentStatus } from '../provision/agent-status.ts';
import { dockerOf, ensureDocker, ensurePod, listPods, removePods } from '../provision/docker.ts';
import { etcdFiles, etcdPeerUrl, startEtcd } from '../provision/etcd.ts';
import { type EtcdClient, openEtcd } from '../provision/etcd-client.ts';
import { ensureImage } from '../provision/image.ts';
import { formatNetworkConfig } from '../provision/network-config.ts';
import { agentService, startService } from '../provision/service.ts';
import type { Ledger } from './ledger.ts';
import type { Work } from './plan.ts';
import type { StepContext, StepOutcome } from './schedule.ts';
import { type Connections, type Installation, keysOf } from './session.ts';
import type { LabRecord, Secrets } from './state.ts';

/** All that the steps of one `up` share. `proof` is filled by the last step. */
export interface UpSession {
  readonly lab: Lab;
  readonly record: LabRecord;
  readonly secrets: Secrets;
  readonly ledger: Ledger;
  readonly root: RootSession;
  readonly installation: Installation;
  readonly connections: Connections;
  readonly onProbe: (result: ProbeResult) => void;
  /** Which files of a host changed in this run, and whether the network configuration did. */
  readonly changedFiles: Map<string, ReadonlySet<string>>;
  networkChanged: boolean;
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

const placedRecord = '/etc/flatland/placed.json';
const digests = z.record(z.string(), z.string());
const digest = ({ content, mode }: PlacedFile) =>
  createHash('sha256').update(`${mode}\0`).update(content).digest('hex');

async function readPlaced(connection: Connection): Promise<Record<string, string>> {
  const text = await connection.read(placedRecord);
  if (text === null) return {};
  try {
    return digests.parse(JSON.parse(text.toString('utf8')));
  } catch {
    return {};
  }
}

/** Writes what differs of a host's files, and remembers which did so that only their services are restarted. */
async function place(session: UpSession, name: string, context: StepContext): Promise<StepOutcome> {
  const { lab, record, secrets, installation } = session;
  const host = hostOf(lab, name);
  const [connection, bundle] = await Promise.all([
    connectionTo(session, name, context.signal),
    installation.agent(),
  ]);
  const before = await readPlaced(connection);
  const own = secrets.hosts[name];
  if (own === undefined) throw failure('host-unknown', `Host ${name} has no certificate in this lab.`);
  const start = record.etcdStarts[name] ?? { kind: 'new' as const };
  const files = [
    ...etcdFiles(lab, host, start, secrets.authority.certificate, own.certificate),
    ...agentFiles(lab, host, bundle, sandboxNode),
  ];
  const after = Object.fromEntries(files.map((file) => [file.path, digest(file)]));
  const different = files.filter(({ path }) => before[path] !== after[path]);
  session.changedFiles.set(name, new Set(different.map(({ path }) => path)));
  if (different.length === 0) return unchanged();
  await connection.place(
    [...different, { path: placedRecord, mode: 0o600, content: JSON.stringify(after) }],
    { signal: context.signal },
  );
  // Units that systemd has not loaded yet need no reload, and a reload takes longer than all the rest of this step.
  if (Object.keys(before).length > 0)
    await connection.exec(['systemctl', 'daemon-reload'], { signal: context.signal });
  return changed(`${different.length} files`);
}

const touched = (session: UpSession, host: string, part: string): boolean =>
  [...(session.changedFiles.get(host) ?? [])].some((path) => path.includes(part));

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
  const active = await connection.exec(['systemctl', 'is-active', 'flatland-etcd.service'], {
    anyExit: true,
  });
  const restart = active.stdout.trim() === 'active' && touched(session, name, '/etcd');
  if (active.stdout.trim() === 'active' && !restart) return unchanged();
  context.progress('waiting for a quorum');
  await startEtcd(connection, restart ? 'restart' : 'start', context);
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
    session.networkChanged = before !== null;
    return changed(`${lab.network.cidr}, ${lab.network.backend.type}`);
  });
}

async function agent(session: UpSession, name: string, context: StepContext): Promise<StepOutcome> {
  const connection = await connectionTo(session, name, context.signal);
  const active = await connection.exec(['systemctl', 'is-active', agentService.unit], { anyExit: true });
  const running = active.stdout.trim() === 'active';
  if (running && !session.networkChanged && !touched(session, name, 'agent')) return unchanged();
  if (session.networkChanged) {
    // The agent reads its configuration once; what an earlier one programmed must not stay beside the new one's.
    await connection.exec(['systemctl', 'stop', agentService.unit], { signal: context.signal });
    await connection.exec([sandboxNode, '/opt/flatland/agent/agent.cjs', 'cleanup'], {
      signal: context.signal,
    });
  }
  const watcher = setInterval(() => {
    readAgentStatus(connection).then(
      (status) => {
        if (status?.waitingFor) context.progress(`waiting for ${status.waitingFor}`);
      },
      () => {},
    );
  }, 1000);
  try {
    await startService(connection, agentService, running ? 'restart' : 'start', context);
  } finally {
    clearInterval(watcher);
  }
  const status = agentStatus.nullable().parse(await readAgentStatus(connection));
  return changed(status?.subnet ?? null);
}

async function removeHost(session: UpSession, name: string): Promise<StepOutcome> {
  const { lab, root, ledger, connections } = session;
  await connections.drop(name);
  await root.perform({ verb: 'stop-host', lab: lab.id, host: name });
  await ledger.undone({ kind: 'sandbox-host', lab: lab.id, host: name });
  return changed();
}

/** Every cell of the matrix. Also what `probe` runs, on its own. */
export async function prove(
  lab: Lab,
  connect: (host: Host) => Promise<Connection>,
  onResult: (result: ProbeResult) => void,
  signal: AbortSignal,
): Promise<Proof> {
  const hosts = await Promise.all(
    lab.hosts.map(async (host) => {
      const connection = await connect(host).catch(() => null);
      if (connection === null) return { host, connection, pods: [], mtu: null };
      const [pods, status] = await Promise.all([
        listPods(dockerOf(connection), host.name).catch(() => []),
        readAgentStatus(connection).catch(() => null),
      ]);
      return { host, connection, pods, mtu: status?.mtu ?? null };
    }),
  );
  const overlayMtu = Math.max(0, ...hosts.map(({ mtu }) => mtu ?? 0));
  if (overlayMtu === 0)
    throw failure('agent-failed', 'No agent of this lab says what the MTU of the overlay is.');
  const running = hosts.flatMap(({ pods }) => pods).map(({ pid, status }) => ({ pid, status }));
  const declared = lab.pods.map((pod) => {
    const found = running.find(({ status }) => status.name === pod.name);
    return {
      name: pod.name,
      host: pod.host,
      address: found?.status.address ?? '',
      pid: found?.pid ?? 0,
      port: pod.ports[0] ?? 80,
    };
  });
  return runProof({
    hosts: hosts.map(({ host, connection }) => ({ name: host.name, address: host.address, connection })),
    pods: declared,
    overlayMtu,
    signal,
    onResult,
  });
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
      const count = await removePods(docker, work.host, ({ name }) => work.pods.includes(name));
      return count > 0 ? changed(work.pods.join(', ')) : unchanged();
    }
    case 'pod': {
      const pod = lab.pods.find(({ name }) => name === work.pod);
      if (pod === undefined) throw new Error(`the plan names an unknown pod ${work.pod}`);
      const docker = dockerOf(await connectionTo(session, pod.host, context.signal));
      const result = await ensurePod(docker, lab.name, pod, true);
      const address = result.pod.status.address;
      return result.outcome === 'changed' ? changed(address) : unchanged(address);
    }
    case 'remove-host':
      return removeHost(session, work.host);
    case 'proof': {
      session.proof = await prove(
        lab,
        (host) => session.connections.get(host, context.signal, 5),
        session.onProbe,
        context.signal,
      );
      const { greenCells, cells } = session.proof;
      if (greenCells < cells) throw failure('proof-red', `${cells - greenCells} of ${cells} probes are red.`);
      return changed(`${greenCells} of ${cells} probes green`);
    }
    case 'lower-underlay':
    case 'forget':
      throw new Error(`${work.kind} belongs to down`);
  }
}
