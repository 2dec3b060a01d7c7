import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { AgentPeer } from '../contract/agent.ts';
import { type Cidr, formatCidr } from '../contract/ipv4.ts';
import type { Backend, ExternalInterface } from './backend/backend.ts';
import type { PeerView, Run } from './context.ts';
import { formatDockerOptions } from './docker-options.ts';
import { copyDatapath, type Inherited, leaveDatapath, type RunningDatapath } from './inherited.ts';
import { ensureBlackhole } from './kernel/blackhole.ts';
import { loadSystem } from './kernel/native.ts';
import { ensureRules } from './kernel/rules.ts';
import type { NetworkConfig } from './lease/config.ts';
import { reasonOf } from './reason.ts';
import { rememberLast } from './remember.ts';
import { type Allotment, formatSubnetFile } from './subnet-file.ts';
import { pause, untilDone } from './wait.ts';
import { writeWhole } from './write-file.ts';

/** One backend and the loop that keeps the kernel as the leases ask for. */
export interface Overlay {
  readonly config: NetworkConfig;
  readonly external: ExternalInterface;
  readonly backend: Backend;
  /** The subnet that it carries; null while it carries none. */
  subnet(): Cidr | null;
  /** Gives the device our subnet and the peers that are known, writes the files and begins to program. */
  open(subnet: Cidr, known: PeerView | null): Promise<void>;
  publish(view: PeerView): void;
  /** Ends programming; what the kernel has stays. */
  close(): Promise<void>;
  /** Closes, and ends what of the backend needs this process; a later one may carry on with it. */
  end(): Promise<void>;
  /** The same; resolves to what the next overlay can carry on with, or has to close. */
  handOver(): Promise<readonly Inherited[]>;
}

const peerLine = ({ subnet, publicIp, backendType, state, reason }: AgentPeer): string =>
  `peer ${subnet}${publicIp === '' ? '' : ` at ${publicIp} (${backendType})`}: ${state}${reason === null ? '' : `, ${reason}`}`;

function logPeers(before: readonly AgentPeer[], after: readonly AgentPeer[], log: (line: string) => void) {
  if (before === after) return;
  const known = new Set(before.map(peerLine));
  for (const peer of after) if (!known.has(peerLine(peer))) log(peerLine(peer));
  const present = new Set(after.map(({ subnet }) => subnet));
  for (const { subnet } of before) if (!present.has(subnet)) log(`peer ${subnet}: gone`);
}

/** Says a failure when it is another than the last one of its kind. */
function failureReporter(log: (line: string) => void) {
  const said = new Map<string, string>();
  return (what: string, failure: string | null) => {
    if (failure !== null && said.get(what) !== failure) log(`${what}: ${failure}`);
    if (failure === null) said.delete(what);
    else said.set(what, failure);
  };
}

/** What others do to the kernel is put right at once, but may not cost more than this part of a processor. */
const kernelShare = 1 / 20;

/** What besides the overlay's own entries is looked at every few seconds; `missing` is how its failure is told. */
interface Upkeep {
  readonly what: string;
  readonly missing: string;
  readonly ensure: () => Promise<number>;
  /** Whether there is something that others can break. */
  readonly lasting: boolean;
  made: boolean;
}

function upkeepOf({ options }: Run, { config }: Overlay, subnet: Cidr): Upkeep[] {
  const rules = {
    network: config.network,
    subnet,
    masquerade: options.ipMasq,
    forward: options.forwardRules,
    fullyRandom: options.ipMasqFullyRandom,
  };
  return [
    {
      what: 'iptables rules',
      missing: 'the iptables rules could not be made',
      ensure: () => ensureRules(rules),
      lasting: true,
      made: false,
    },
    {
      what: 'blackhole routes',
      missing: 'the blackhole route could not be made',
      ensure: () => ensureBlackhole(options.blackholeRoute ? subnet : null),
      lasting: options.blackholeRoute,
      made: false,
    },
  ];
}

/** Programs the kernel at every change of the leases or of the kernel, and every few seconds besides. */
async function program(
  run: Run,
  overlay: Overlay,
  subnet: Cidr,
  leave: () => void,
  current: () => { readonly view: PeerView | null; readonly seenAt: number; readonly filesWritten: boolean },
  signal: AbortSignal,
): Promise<never> {
  const { options, board, log, wake } = run;
  const { backend } = overlay;
  const resync = options.resyncSeconds * 1000;
  const upkeep = upkeepOf(run, overlay, subnet);
  const report = failureReporter(log);
  const repaired = (count: number, what: string) => {
    if (count === 0) return;
    log(`put right what others had changed: ${count} ${what}`);
    board.update({ repairs: board.current().repairs + count });
  };
  const allPeers = rememberLast((good: readonly AgentPeer[], malformed: readonly AgentPeer[]) => [
    ...good,
    ...malformed,
  ]);
  let seen = 0;
  let upkeepDue = 0;
  let failed = false;
  let programmedView: PeerView | null = null;
  let restUntil = 0;
  for (;;) {
    await wake.newer(seen, failed ? 1000 : resync, signal);
    seen = wake.count;
    const { view, seenAt, filesWritten } = current();
    if (view === null) continue;
    if (view === programmedView && wake.value === 'kernel')
      await pause(restUntil - performance.now(), signal);
    const began = performance.now();
    try {
      const programmed = await backend.program(view.leases, signal);
      signal.throwIfAborted();
      const peers = allPeers(programmed.peers, view.malformed);
      logPeers(board.current().peers, peers, log);
      board.update({ peers, device: backend.device() });
      repaired(programmed.repairs, 'entries of the overlay');
      report('the overlay could not be programmed', null);
      const now = performance.now();
      const isNew = view !== programmedView && view.source === 'etcd';
      board.countPass((now - began) / 1000, isNew ? (now - seenAt) / 1000 : null);
      programmedView = view;
      leave();
      failed = false;
    } catch (error) {
      signal.throwIfAborted();
      failed = true;
      report('the overlay could not be programmed', reasonOf(error));
      if (board.current().phase !== 'ready') run.waitFor(`the overlay to be programmed: ${reasonOf(error)}`);
    }
    if (performance.now() >= upkeepDue) {
      upkeepDue = performance.now() + resync;
      for (const each of upkeep) {
        if (each.made && !each.lasting) continue;
        try {
          const count = await each.ensure();
          if (each.made) repaired(count, each.what);
          each.made = true;
          report(each.missing, null);
        } catch (error) {
          // flannel goes on without them too: a host without Docker may have no iptables and need none.
          report(each.missing, reasonOf(error));
        }
        signal.throwIfAborted();
      }
    }
    restUntil = performance.now() + (performance.now() - began) / kernelShare;
    if (!failed && filesWritten) run.enterCarrying(subnet, view.source);
  }
}

async function writeFiles(run: Run, allotment: Allotment, signal: AbortSignal): Promise<void> {
  const { subnetFile, dockerOptionsFile } = run.options;
  const write = (path: string, text: string) =>
    untilDone(
      () => writeWhole(path, text),
      (error) => run.waitFor(`${path} to be written: ${reasonOf(error)}`),
      signal,
    );
  await write(subnetFile, formatSubnetFile(allotment));
  if (dockerOptionsFile !== null) await write(dockerOptionsFile, formatDockerOptions(allotment));
}

/** Makes an overlay of a backend; it carries nothing before it is opened. */
export function createOverlay(
  run: Run,
  config: NetworkConfig,
  external: ExternalInterface,
  backend: Backend,
): Overlay {
  const { options, board, wake } = run;
  let subnet: Cidr | null = null;
  let view: PeerView | null = null;
  let seenAt = 0;
  let session = new AbortController();
  let programming: Promise<unknown> = Promise.resolve();
  const port = config.backend.type === 'udp' ? config.backend.port : 0;
  let left: RunningDatapath | null = null;
  const leave = () => {
    const now = backend.descriptors();
    if (now === null || isDeepStrictEqual(now, left)) return;
    leaveDatapath(run.notifier, now, external.address, port);
    left = now;
  };
  const overlay: Overlay = {
    config,
    external,
    backend,
    subnet: () => subnet,
    async open(own, known) {
      await overlay.close();
      view = known;
      session = new AbortController();
      const signal = AbortSignal.any([run.signal, session.signal]);
      setMaxListeners(0, signal);
      await untilDone(
        () => backend.start(config.network, own, known?.leases ?? []),
        (error) => run.waitFor(`the ${config.backend.type} device: ${reasonOf(error)}`),
        signal,
      );
      subnet = own;
      board.update({ subnet: formatCidr(own), mtu: backend.mtu, device: backend.device() });
      board.readTrafficFrom(() => backend.traffic());
      const { network } = config;
      let filesWritten = false;
      // Packets need no files, so a full disk must not keep them.
      const writing = (async () => {
        await writeFiles(run, { network, subnet: own, mtu: backend.mtu, masquerade: options.ipMasq }, signal);
        filesWritten = true;
        wake.publish('files');
      })();
      const looping = program(run, overlay, own, leave, () => ({ view, seenAt, filesWritten }), signal);
      // A failure that is no abort is a bug, and nobody's to catch.
      programming = Promise.all([writing, looping]).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    },
    publish(next) {
      view = next;
      seenAt = performance.now();
      wake.publish('leases');
    },
    async close() {
      session.abort();
      await programming;
      subnet = null;
      view = null;
    },
    async end() {
      await overlay.close();
      board.readTrafficFrom(() => null);
      await backend.stop().catch((error: unknown) => run.log(`the backend did not stop: ${reasonOf(error)}`));
    },
    async handOver() {
      await overlay.close();
      const now = backend.descriptors();
      const copies = now === null ? [] : copyDatapath(await loadSystem(), now, external.address, port);
      await overlay.end();
      return copies;
    },
  };
  return overlay;
}
