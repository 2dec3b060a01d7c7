import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { AgentPeer } from '../contract/agent.ts';
import { type Cidr, formatCidr, formatIpv4 } from '../contract/ipv4.ts';
import type { Backend, ExternalInterface } from './backend/backend.ts';
import { createBackend } from './backend/create.ts';
import { formatDockerOptions } from './docker-options.ts';
import { chooseInterface } from './kernel/interface.ts';
import { ensureRules } from './kernel/rules.ts';
import { type NetworkConfig, parseConfig } from './lease/config.ts';
import { type EtcdTarget, openEtcd } from './lease/etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from './lease/hold.ts';
import type { Lease } from './lease/lease.ts';
import type { LeaseStore, Snapshot } from './lease/store.ts';
import { formatLeaseValue, formatSubnetKey, parseLease } from './lease/value.ts';
import { followEntries } from './lease/watch.ts';
import type { Notifier } from './notify.ts';
import type { Options } from './options.ts';
import { reasonOf } from './reason.ts';
import type { StatusBoard } from './status/board.ts';
import { type Allotment, formatSubnetFile, readSubnetFile } from './subnet-file.ts';
import { createLatest, type Latest, untilDone } from './wait.ts';
import { writeWhole } from './write-file.ts';

/** flannel's leases live a day (pkg/subnet/etcd/local_manager.go, subnetTTL). */
const leaseSeconds = 24 * 60 * 60;
/**
 * Watches don't lose events, but a member that is cut off from the others is silent; a list needs a quorum and
 * tells.
 */
const listAgainMilliseconds = 60_000;

export interface AgentContext {
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly board: StatusBoard;
  readonly notifier: Notifier;
}

/** What the parts of one run share: where we stand is said in one place. */
interface Run extends AgentContext {
  readonly store: LeaseStore;
  /** Says what keeps us from going on; null: nothing any more. */
  readonly waitFor: (what: string | null) => void;
  /** The subnet is held and programmed. */
  readonly enterReady: (subnet: Cidr) => void;
  /** What was ready is so no more. */
  readonly leaveReady: () => void;
}

async function readTls(options: Options): Promise<EtcdTarget['tls']> {
  const { etcdCertfile, etcdKeyfile, etcdCafile } = options;
  if (etcdCertfile === '' || etcdKeyfile === '') return null;
  const [certificate, key, authority] = await Promise.all([
    readFile(etcdCertfile),
    readFile(etcdKeyfile),
    etcdCafile === '' ? null : readFile(etcdCafile),
  ]);
  return { certificate, key, authority };
}

function standing({ board, log, notifier }: AgentContext) {
  let ready = false;
  let told = false;
  return {
    waitFor(what: string | null) {
      if (board.current().waitingFor === what) return;
      if (what !== null) log(`waiting for ${what}`);
      notifier.status(what === null ? 'working' : `waiting for ${what}`);
      board.update({ waitingFor: what, phase: what !== null ? 'waiting' : ready ? 'ready' : 'starting' });
    },
    enterReady(subnet: Cidr) {
      if (ready) return;
      ready = true;
      board.update({ phase: 'ready', waitingFor: null });
      notifier.status(`subnet ${formatCidr(subnet)}`);
      log(`ready with subnet ${formatCidr(subnet)}`);
      if (!told) notifier.ready();
      told = true;
    },
    leaveReady() {
      ready = false;
      board.update({ phase: 'starting' });
    },
  };
}

/** Keeps the status of our contact with etcd; says in the log when it changes. */
function contactObserver({ board, log }: AgentContext): (failure: string | null) => void {
  let known = false;
  return (failure) => {
    const { etcd } = board.current();
    const connected = failure === null;
    if (!known || connected !== etcd.connected)
      log(connected ? 'etcd answers' : `etcd does not answer: ${failure}`);
    known = true;
    const since = connected === etcd.connected ? etcd.since : new Date().toISOString();
    board.update({ etcd: { connected, since, error: failure } });
  };
}

/** The network's configuration, read until it is there and valid. Like flannel, we read it once. */
async function awaitConfig(run: Run): Promise<NetworkConfig> {
  const { store, options, waitFor, signal } = run;
  const key = posix.join(options.etcdPrefix, 'config');
  return untilDone(
    async () => {
      const text = await store.readConfig();
      if (text === null) throw new Error(`the network's configuration: ${key} is not in etcd`);
      const parsed = parseConfig(text);
      if (parsed.kind === 'invalid')
        throw new Error(`a valid network configuration in ${key}: ${parsed.reason}`);
      return parsed.config;
    },
    (error) => {
      const connected = run.board.current().etcd.connected;
      waitFor(
        connected ? reasonOf(error) : `etcd at ${options.etcdEndpoints.join(', ')}: ${reasonOf(error)}`,
      );
    },
    signal,
  );
}

async function writeFiles(run: Run, allotment: Allotment): Promise<void> {
  const { subnetFile, dockerOptionsFile } = run.options;
  const write = (path: string, text: string) =>
    untilDone(
      () => writeWhole(path, text),
      (error) => run.waitFor(`${path} to be written: ${reasonOf(error)}`),
      run.signal,
    );
  await write(subnetFile, formatSubnetFile(allotment));
  if (dockerOptionsFile !== null) await write(dockerOptionsFile, formatDockerOptions(allotment));
}

/** All other hosts' leases, and as ignored peers what is no lease at all. */
function peersOf(
  snapshot: Snapshot,
  own: Cidr,
): { readonly leases: Lease[]; readonly malformed: AgentPeer[] } {
  const leases: Lease[] = [];
  const malformed: AgentPeer[] = [];
  const ownName = formatSubnetKey(own);
  for (const { name, value } of snapshot.entries) {
    if (name === ownName) continue;
    const parsed = parseLease(name, value);
    if (parsed.kind === 'lease') leases.push(parsed.lease);
    else {
      const subnet = name.slice(0, 100);
      malformed.push({ subnet, publicIp: '', backendType: '', state: 'ignored', reason: parsed.reason });
    }
  }
  return { leases, malformed };
}

const peerLine = ({ subnet, publicIp, backendType, state, reason }: AgentPeer): string =>
  `peer ${subnet}${publicIp === '' ? '' : ` at ${publicIp} (${backendType})`}: ${state}${reason === null ? '' : `, ${reason}`}`;

function logPeers(before: readonly AgentPeer[], after: readonly AgentPeer[], log: (line: string) => void) {
  const known = new Set(before.map(peerLine));
  for (const peer of after) if (!known.has(peerLine(peer))) log(peerLine(peer));
  const present = new Set(after.map(({ subnet }) => subnet));
  for (const { subnet } of before) if (!present.has(subnet)) log(`peer ${subnet}: gone`);
}

/**
 * Programs the kernel at every change of the leases and every few seconds besides, and enters ready after the first
 * time.
 */
async function program(
  run: Run,
  config: NetworkConfig,
  subnet: Cidr,
  backend: Backend,
  snapshots: Latest<Snapshot>,
): Promise<never> {
  const { options, board, log, signal } = run;
  const resync = options.resyncSeconds * 1000;
  const rules = {
    network: config.network,
    subnet,
    masquerade: options.ipMasq,
    forward: options.forwardRules,
    fullyRandom: options.ipMasqFullyRandom,
  };
  let seen = 0;
  let rulesDue = 0;
  let rulesMade = false;
  const said = new Map<string, string>();
  /** Says a failure when it is another than the last one of its kind. */
  const report = (what: string, failure: string | null) => {
    if (failure !== null && said.get(what) !== failure) log(`${what}: ${failure}`);
    if (failure === null) said.delete(what);
    else said.set(what, failure);
  };
  const repaired = (count: number, what: string) => {
    if (count === 0) return;
    log(`put right what others had changed: ${count} ${what}`);
    board.update({ repairs: board.current().repairs + count });
  };

  let failed = false;
  for (;;) {
    await snapshots.newer(seen, failed ? 1000 : resync, signal);
    const snapshot = snapshots.value;
    if (snapshot === null) continue;
    seen = snapshots.count;
    const { leases, malformed } = peersOf(snapshot, subnet);
    try {
      const programmed = await backend.program(leases, signal);
      signal.throwIfAborted();
      const peers = [...programmed.peers, ...malformed];
      logPeers(board.current().peers, peers, log);
      board.update({ peers, device: backend.device() });
      repaired(programmed.repairs, 'entries of the overlay');
      report('the overlay could not be programmed', null);
      failed = false;
    } catch (error) {
      signal.throwIfAborted();
      failed = true;
      report('the overlay could not be programmed', reasonOf(error));
      if (board.current().phase !== 'ready') run.waitFor(`the overlay to be programmed: ${reasonOf(error)}`);
    }
    if (Date.now() >= rulesDue) {
      rulesDue = Date.now() + resync;
      try {
        const count = await ensureRules(rules);
        if (rulesMade) repaired(count, 'iptables rules');
        rulesMade = true;
        report('the iptables rules could not be made', null);
      } catch (error) {
        // flannel goes on without them too: a host without Docker may have no iptables and need none.
        report('the iptables rules could not be made', reasonOf(error));
      }
      signal.throwIfAborted();
    }
    if (!failed) run.enterReady(subnet);
  }
}

/**
 * Leases a subnet, programs it and keeps both for as long as the subnet is ours. Resolves when another host owns it.
 */
async function serveSubnet(whole: Run, config: NetworkConfig, external: ExternalInterface): Promise<void> {
  const { options, board, log, waitFor, store } = whole;
  const session = new AbortController();
  const signal = AbortSignal.any([whole.signal, session.signal]);
  setMaxListeners(0, signal);
  const run: Run = { ...whole, signal };
  const { type } = config.backend;
  const stopLate = (late: Backend) => void late.stop().catch(() => {});
  const backend = await untilDone(
    () => createBackend(config.backend, external),
    (error) => waitFor(`the ${type} backend: ${reasonOf(error)}`),
    signal,
    stopLate,
  );
  const tasks: Promise<unknown>[] = [];
  try {
    const wish: LeaseWish = {
      config,
      publicIp: external.publicIp,
      value: formatLeaseValue(external.publicIp, backend.attributes),
      previous: await readSubnetFile(options.subnetFile),
      leaseSeconds,
      marginMilliseconds: options.renewMarginMinutes * 60_000,
    };
    const onHeld = ({ subnet, acquiredAt, renewedAt, expiresAt }: HeldLease) =>
      board.update({
        subnet: formatCidr(subnet),
        lease: {
          acquiredAt: acquiredAt.toISOString(),
          renewedAt: renewedAt.toISOString(),
          expiresAt: expiresAt?.toISOString() ?? null,
        },
      });
    const held = await acquireLease(store, wish, { signal, log, waitingFor: waitFor, random: Math.random });
    const { subnet } = held;
    onHeld(held);
    const snapshots = createLatest<Snapshot>();
    const keeping = keepLease(store, wish, held, snapshots, onHeld, { signal, log });
    const following = followEntries(store, (snapshot) => snapshots.publish(snapshot), {
      signal,
      log,
      listAgainMilliseconds,
    });
    const programming = (async () => {
      await untilDone(
        () => backend.start(config.network, subnet),
        (error) => waitFor(`the ${type} device: ${reasonOf(error)}`),
        signal,
      );
      const { network } = config;
      await writeFiles(run, { network, subnet, mtu: backend.mtu, masquerade: options.ipMasq });
      board.update({ mtu: backend.mtu, device: backend.device() });
      waitFor(null);
      return program(run, config, subnet, backend, snapshots);
    })();
    tasks.push(keeping, following, programming);
    const { owner } = await Promise.race([keeping, following, programming]);
    log(`subnet ${formatCidr(subnet)} belongs to ${owner} now; leasing another one`);
  } finally {
    session.abort();
    await Promise.allSettled(tasks);
    await backend.stop().catch((error: unknown) => log(`the backend did not stop: ${reasonOf(error)}`));
  }
  run.leaveReady();
  board.update({ subnet: null, lease: null, peers: [], device: null });
}

/** Runs the agent until the signal fires. Rejects with the signal's reason, or with what it can't go on without. */
export async function runAgent(context: AgentContext): Promise<never> {
  const { options, signal, board, log } = context;
  const target = {
    endpoints: options.etcdEndpoints,
    prefix: options.etcdPrefix,
    username: options.etcdUsername,
    password: options.etcdPassword,
    tls: await readTls(options),
  };
  const store = openEtcd(target, contactObserver(context));
  try {
    const run: Run = { ...context, ...standing(context), store };
    // Opens the connection while the interface is looked for; the answer is read below.
    store.readConfig().catch(() => {});
    const external = await untilDone(
      () => chooseInterface(options),
      (error) => run.waitFor(`an interface to other hosts: ${reasonOf(error)}`),
      signal,
    );
    log(`using interface ${external.name} with address ${formatIpv4(external.address)}`);
    board.update({ interface: external.name, publicIp: formatIpv4(external.publicIp) });
    const config = await awaitConfig(run);
    run.waitFor(null);
    log(`network ${formatCidr(config.network)} with backend ${config.backend.type}`);
    board.update({ network: formatCidr(config.network), backend: config.backend.type });
    for (;;) {
      signal.throwIfAborted();
      await serveSubnet(run, config, external);
    }
  } finally {
    store.close();
  }
}
