import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Cidr, formatCidr, formatIpv4 } from '../contract/ipv4.ts';
import type { ExternalInterface } from './backend/backend.ts';
import { createBackend } from './backend/create.ts';
import { type Inherited, takeDatapath } from './inherited.ts';
import { removeLeftovers } from './kernel/cleanup.ts';
import { chooseInterface } from './kernel/interface.ts';
import { loadSystem } from './kernel/native.ts';
import { routeNetlink } from './kernel/netlink/socket.ts';
import { watchKernel } from './kernel/watch.ts';
import { type NetworkConfig, parseConfig } from './lease/config.ts';
import { type EtcdTarget, openEtcd } from './lease/etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from './lease/hold.ts';
import { createLeaseReader } from './lease/peers.ts';
import type { LeaseStore, Snapshot } from './lease/store.ts';
import { formatLeaseValue } from './lease/value.ts';
import { followEntries } from './lease/watch.ts';
import type { Notifier } from './notify.ts';
import type { Options } from './options.ts';
import { createOverlay, type Overlay, type PeerView } from './overlay.ts';
import { reasonOf } from './reason.ts';
import { readState, type SavedState, savedStateFile, stillFits, writeState } from './saved-state.ts';
import type { StatusBoard } from './status/board.ts';
import { readSubnetFile } from './subnet-file.ts';
import { createLatest, type Latest, untilDone } from './wait.ts';

/** flannel's leases live a day (pkg/subnet/etcd/local_manager.go, subnetTTL). */
const leaseSeconds = 24 * 60 * 60;
/**
 * Watches don't lose events, but a member that is cut off from the others is silent; a list needs a quorum and
 * tells.
 */
const listAgainMilliseconds = 60_000;
/** As long as a timer can be. */
const longestSilence = 2 ** 31 - 1;

export interface AgentContext {
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly board: StatusBoard;
  readonly notifier: Notifier;
  /** What the process before us left with the service manager. */
  readonly inherited: readonly Inherited[];
}

/** What the parts of one run share: where we stand is said in one place. */
export interface Run extends AgentContext {
  readonly store: LeaseStore;
  /** What the process before us left, once. */
  readonly takeInherited: () => readonly Inherited[];
  /** Why the kernel is to be looked at again. */
  readonly wake: Latest<'leases' | 'kernel' | 'files'>;
  /** Says what keeps us from going on; null: nothing any more. */
  readonly waitFor: (what: string | null) => void;
  /** The peers are programmed: all is ready, unless they are still those of an earlier life. */
  readonly enterCarrying: (subnet: Cidr, source: PeerView['source']) => void;
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
  let carrying = false;
  let told = false;
  const tell = () => {
    if (!told) notifier.ready();
    told = true;
  };
  return {
    waitFor(what: string | null) {
      if (board.current().waitingFor === what) return;
      if (what !== null) log(`waiting for ${what}`);
      notifier.status(what === null ? 'working' : `waiting for ${what}`);
      board.update({ waitingFor: what, phase: what !== null ? 'waiting' : ready ? 'ready' : 'starting' });
      // Those who wait for us, such as Docker, need the subnet and not etcd.
      if (what !== null && carrying) tell();
    },
    enterCarrying(subnet: Cidr, source: PeerView['source']) {
      carrying = true;
      // What was saved may be out of date, so etcd comes first, if it answers.
      if (source === 'saved' && board.current().waitingFor === null) return;
      tell();
      if (ready || source === 'saved') return;
      ready = true;
      board.update({ phase: 'ready', waitingFor: null });
      notifier.status(`subnet ${formatCidr(subnet)}`);
      log(`ready with subnet ${formatCidr(subnet)}`);
    },
    leaveReady() {
      ready = false;
      carrying = false;
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

async function awaitInterface(run: Run): Promise<ExternalInterface> {
  const external = await untilDone(
    () => chooseInterface(run.options),
    (error) => run.waitFor(`an interface to other hosts: ${reasonOf(error)}`),
    run.signal,
  );
  run.log(`using interface ${external.name} with address ${formatIpv4(external.address)}`);
  run.board.update({ interface: external.name, publicIp: formatIpv4(external.publicIp) });
  return external;
}

/** Makes the backend that the configuration names, however long that takes. */
async function prepareOverlay(
  run: Run,
  config: NetworkConfig,
  external: ExternalInterface,
): Promise<Overlay> {
  const { type } = config.backend;
  run.board.update({ network: formatCidr(config.network), backend: type });
  const inherited = run.takeInherited();
  const where =
    config.backend.type === 'udp' ? { address: external.address, port: config.backend.port } : null;
  const remains =
    inherited.length === 0 ? undefined : takeDatapath(inherited, where, await loadSystem(), run.notifier);
  const backend = await untilDone(
    () => createBackend(config.backend, external, remains),
    (error) => run.waitFor(`the ${type} backend: ${reasonOf(error)}`),
    run.signal,
    (late) => void late.stop().catch(() => {}),
  );
  return createOverlay(run, config, external, backend);
}

/**
 * Carries packets again as an earlier life of this agent did, before etcd is asked: it may be away for long. Null when
 * there was none, or its host or network was another.
 */
async function resumeOverlay(run: Run, saved: SavedState | null, external: ExternalInterface) {
  if (saved === null || !stillFits(saved, run.options.etcdPrefix, external, Date.now())) return null;
  run.log(`carrying on with subnet ${formatCidr(saved.subnet)} and ${saved.leases.length} known peers`);
  const overlay = await prepareOverlay(run, saved.config, external);
  await overlay.open(saved.subnet, { source: 'saved', leases: saved.leases, malformed: [] });
  return overlay;
}

/** Resolves when another interface, or another address or MTU of it, carries the outer packets. */
async function awaitOtherInterface(run: Run, current: ExternalInterface, signal: AbortSignal): Promise<void> {
  let seen = run.wake.count;
  for (;;) {
    await run.wake.newer(seen, run.options.resyncSeconds * 1000, signal);
    seen = run.wake.count;
    // Without any, such as while a cable is out, the one that was is the best guess.
    const external = await chooseInterface(run.options).catch(() => null);
    if (external !== null && !isDeepStrictEqual(external, current)) return;
  }
}

/** Why a subnet is served no longer. */
type Ended =
  | { readonly kind: 'other-owner'; readonly owner: string }
  | { readonly kind: 'other-interface'; readonly leaseId: string | null };

/** Leases a subnet and keeps it and its overlay until another host owns it, or our own interface is another. */
async function serveSubnet(whole: Run, overlay: Overlay, leaseId: string | null): Promise<Ended> {
  const { options, board, log, waitFor, store } = whole;
  const { config, external, backend } = overlay;
  const session = new AbortController();
  const signal = AbortSignal.any([whole.signal, session.signal]);
  setMaxListeners(0, signal);
  const wish: LeaseWish = {
    config,
    publicIp: external.publicIp,
    value: formatLeaseValue(external.publicIp, backend.attributes),
    previous: overlay.subnet() ?? (await readSubnetFile(options.subnetFile)),
    leaseId,
    leaseSeconds,
    marginMilliseconds: options.renewMarginMinutes * 60_000,
  };
  const tasks: Promise<unknown>[] = [];
  try {
    let held = await acquireLease(store, wish, { signal, log, waitingFor: waitFor, random: Math.random });
    const { subnet } = held;
    const onHeld = (next: HeldLease) => {
      held = next;
      const { acquiredAt, renewedAt, expiresAt } = held;
      board.update({
        lease: {
          acquiredAt: acquiredAt.toISOString(),
          renewedAt: renewedAt.toISOString(),
          expiresAt: expiresAt?.toISOString() ?? null,
        },
      });
    };
    onHeld(held);
    waitFor(null);
    if (!isDeepStrictEqual(overlay.subnet(), subnet)) await overlay.open(subnet, null);
    const snapshots = createLatest<Snapshot>();
    const readLeases = createLeaseReader();
    const states = createLatest<{ view: PeerView; held: HeldLease }>();
    const saving = keepState(whole, overlay, subnet, states, signal);
    const keeping = keepLease(store, wish, held, snapshots, onHeld, { signal, log });
    const following = followEntries(
      store,
      (snapshot) => {
        snapshots.publish(snapshot);
        const view: PeerView = { source: 'etcd', ...readLeases(snapshot, subnet) };
        overlay.publish(view);
        states.publish({ view, held });
      },
      { signal, log, listAgainMilliseconds },
    );
    const moving = awaitOtherInterface(whole, external, signal);
    tasks.push(keeping, following, moving, saving);
    return await Promise.race([
      keeping.then(({ owner }): Ended => {
        log(`subnet ${formatCidr(subnet)} belongs to ${owner} now; leasing another one`);
        return { kind: 'other-owner', owner };
      }),
      moving.then((): Ended => {
        log(`${external.name} has changed; adopting its new address or MTU`);
        return { kind: 'other-interface', leaseId: held.leaseId };
      }),
      following,
      saving,
    ]);
  } finally {
    session.abort();
    await Promise.allSettled(tasks);
  }
}

/** Keeps on disk what a later life needs. A failure is said once; it costs that life no more than etcd's answer. */
async function keepState(
  run: Run,
  { config, external }: Overlay,
  subnet: Cidr,
  states: Latest<{ readonly view: PeerView; readonly held: HeldLease }>,
  signal: AbortSignal,
): Promise<never> {
  const path = savedStateFile(run.options.subnetFile);
  const prefix = run.options.etcdPrefix;
  let seen = 0;
  let failing = false;
  for (;;) {
    await states.newer(seen, longestSilence, signal);
    if (states.count === seen || states.value === null) continue;
    seen = states.count;
    const { view, held } = states.value;
    try {
      const { leaseId } = held;
      const expiresAt = held.expiresAt?.toISOString() ?? null;
      await writeState(path, { prefix, config, external, subnet, leaseId, expiresAt, leases: view.leases });
      failing = false;
    } catch (error) {
      if (!failing) run.log(`${path} could not be written: ${reasonOf(error)}`);
      failing = true;
    }
  }
}

/** Runs the agent until the signal fires. Rejects with the signal's reason, or with what it can't go on without. */
export async function runAgent(context: AgentContext): Promise<never> {
  const { options, signal, log } = context;
  const target = {
    endpoints: options.etcdEndpoints,
    prefix: options.etcdPrefix,
    username: options.etcdUsername,
    password: options.etcdPassword,
    tls: await readTls(options),
  };
  const store = openEtcd(target, contactObserver(context));
  let { inherited } = context;
  const takeInherited = () => {
    const taken = inherited;
    inherited = [];
    return taken;
  };
  const run: Run = { ...context, ...standing(context), takeInherited, store, wake: createLatest() };
  let overlay: Overlay | null = null;
  const watch = await watchKernel((await routeNetlink()).port, () => run.wake.publish('kernel'));
  try {
    // Opens the connection while the interface is looked for; the answer is read below.
    store.readConfig().catch(() => {});
    const saved = await readState(savedStateFile(options.subnetFile));
    let external = await awaitInterface(run);
    let leaseId = saved?.leaseId ?? null;
    overlay = await resumeOverlay(run, saved, external);
    const config = await awaitConfig(run);
    run.waitFor(null);
    log(`network ${formatCidr(config.network)} with backend ${config.backend.type}`);
    if (overlay !== null && !isDeepStrictEqual(overlay.config, config)) {
      log('the configuration is another than that of the earlier life, whose traces go');
      inherited = await overlay.handOver();
      overlay = null;
      run.leaveReady();
      await removeLeftovers();
    }
    for (;;) {
      signal.throwIfAborted();
      overlay ??= await prepareOverlay(run, config, external);
      const ended = await serveSubnet(run, overlay, leaseId);
      run.leaveReady();
      run.board.update({ subnet: null, lease: null, peers: [], device: null });
      leaseId = null;
      if (ended.kind === 'other-interface') {
        leaseId = ended.leaseId;
        inherited = await overlay.handOver();
        overlay = null;
        external = await awaitInterface(run);
      } else await overlay.close();
    }
  } finally {
    await overlay?.end();
    watch.close();
    store.close();
  }
}
