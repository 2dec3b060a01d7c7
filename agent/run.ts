import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Cidr, formatCidr, formatIpv4 } from '../contract/ipv4.ts';
import type { ExternalInterface } from './backend/backend.ts';
import { createBackend } from './backend/create.ts';
import { readBootId, sinceBoot } from './boot-clock.ts';
import { type AgentContext, contactObserver, type PeerView, type Run, standing } from './context.ts';
import { takeDatapath } from './inherited.ts';
import { removeLeftovers } from './kernel/cleanup.ts';
import { chooseInterface } from './kernel/interface.ts';
import { loadSystem } from './kernel/native.ts';
import { routeNetlink } from './kernel/netlink/socket.ts';
import { watchKernel } from './kernel/watch.ts';
import { type NetworkConfig, parseConfig } from './lease/config.ts';
import { type EtcdTarget, openEtcd } from './lease/etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from './lease/hold.ts';
import { createLeaseReader } from './lease/peers.ts';
import type { KnownSnapshot, Snapshot } from './lease/store.ts';
import { formatLeaseValue } from './lease/value.ts';
import { followEntries, type Known } from './lease/watch.ts';
import type { Options } from './options.ts';
import { createOverlay, type Overlay } from './overlay.ts';
import { reasonOf } from './reason.ts';
import {
  knownFrom,
  readState,
  type SavedState,
  savedStateFile,
  stillFits,
  writeState,
} from './saved-state.ts';
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

/**
 * The network's configuration, read until it is there and valid. Like flannel, we read it once, and end when it names a
 * backend that we don't have.
 */
async function awaitConfig(run: Run): Promise<NetworkConfig> {
  const { store, options, waitFor, signal } = run;
  const key = posix.join(options.etcdPrefix, 'config');
  const parsed = await untilDone(
    async () => {
      const text = await store.readConfig();
      if (text === null) throw new Error(`the network's configuration: ${key} is not in etcd`);
      const parsed = parseConfig(text);
      if (parsed.kind === 'invalid' && !parsed.unknownBackend)
        throw new Error(`a valid network configuration in ${key}: ${parsed.reason}`);
      return parsed;
    },
    (error) => {
      const connected = run.board.current().etcd.connected;
      waitFor(
        connected ? reasonOf(error) : `etcd at ${options.etcdEndpoints.join(', ')}: ${reasonOf(error)}`,
      );
    },
    signal,
  );
  if (parsed.kind === 'invalid') throw new Error(`${key}: ${parsed.reason}`);
  return parsed.config;
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
  const now = { wall: Date.now(), bootId: readBootId(), sinceBoot: sinceBoot() };
  if (saved === null || !stillFits(saved, run.options.etcdPrefix, external, now)) return null;
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

/** What is saved: how we stand with etcd, and what it told last. */
interface State {
  readonly view: PeerView;
  readonly held: HeldLease;
  readonly store: Pick<KnownSnapshot, 'clusterId' | 'revision'>;
}

/**
 * Leases a subnet and keeps it and its overlay until another host owns it, or our own interface is another. `earlier` is
 * what an earlier life knew.
 */
async function serveSubnet(
  whole: Run,
  overlay: Overlay,
  leaseId: string | null,
  earlier: Known | null,
): Promise<Ended> {
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
    const states = createLatest<State>();
    const onHeld = (next: HeldLease) => {
      held = next;
      // The news of a renewal may come before we know how long it is good for.
      if (states.value !== null) states.publish({ ...states.value, held });
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
    const saving = keepState(whole, overlay, subnet, states, signal);
    const keeping = keepLease(store, wish, held, snapshots, onHeld, { signal, log });
    const following = followEntries(
      store,
      (snapshot) => {
        snapshots.publish(snapshot);
        const view: PeerView = { source: 'etcd', ...readLeases(snapshot, subnet) };
        overlay.publish(view);
        const { clusterId, revision } = snapshot;
        states.publish({ view, held, store: { clusterId, revision } });
      },
      { signal, log, listAgainMilliseconds, earlier },
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
  states: Latest<State>,
  signal: AbortSignal,
): Promise<never> {
  const path = savedStateFile(run.options.subnetFile);
  const prefix = run.options.etcdPrefix;
  const bootId = readBootId();
  let seen = 0;
  let failing = false;
  for (;;) {
    await states.newer(seen, longestSilence, signal);
    if (states.count === seen || states.value === null) continue;
    seen = states.count;
    const { view, held, store } = states.value;
    try {
      const { leaseId, endsAt } = held;
      const expiresAt = held.expiresAt?.toISOString() ?? null;
      const own = { prefix, config, external, subnet, leaseId, expiresAt, bootId, endsAt };
      await writeState(path, { ...own, store, leases: view.leases });
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
    let earlier = overlay === null || saved === null ? null : knownFrom(saved);
    for (;;) {
      signal.throwIfAborted();
      overlay ??= await prepareOverlay(run, config, external);
      const ended = await serveSubnet(run, overlay, leaseId, earlier);
      earlier = null;
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
