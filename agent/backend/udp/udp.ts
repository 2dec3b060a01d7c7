import { isDeepStrictEqual } from 'node:util';
import { type Cidr, formatCidr, formatIpv4 } from '../../../contract/ipv4.ts';
import type { Remains } from '../../inherited.ts';
import { changeLinks, showLinks, showRoutes } from '../../kernel/ip.ts';
import { loadSystem } from '../../kernel/native.ts';
import { isPeerRoute } from '../../kernel/route.ts';
import { ensureForwarding } from '../../kernel/sysctl.ts';
import type { BackendConfig } from '../../lease/config.ts';
import type { Lease } from '../../lease/lease.ts';
import { rememberLast } from '../../remember.ts';
import type { Backend, ExternalInterface, Programmed } from '../backend.ts';
import { applyChanges, sortRouteChanges } from '../change.ts';
import { createPeerStates, type Own, type Sorted, sortLeases } from '../peers.ts';
import { makeCounterMemory, readCounters } from './counters.ts';
import { type Datapath, type DatapathMemory, startDatapath } from './datapath.ts';
import { makeRouteMemory, routeWriter, type UdpRoute } from './routes.ts';

type UdpConfig = Extract<BackendConfig, { type: 'udp' }>;

/** The outer IPv4 and UDP headers; the payload is the packet itself. */
const overhead = 28;

/** What the leases ask for. Every lease will do, whatever its type, and has our own port, as with flannel (udp_amd64.go). */
function udpState(own: Own, leases: readonly Lease[]): { sorted: Sorted<null>[]; routes: UdpRoute[] } {
  const sorted = sortLeases<null>(own, leases, () => ({ use: null }));
  const routes = sorted.flatMap((each) =>
    each.kind === 'used' ? [{ subnet: each.lease.subnet, nextHop: each.lease.publicIp }] : [],
  );
  return { sorted, routes };
}

interface Running {
  readonly own: Own;
  readonly datapath: Datapath;
}

/** flannel's udp backend: packets go through a TUN device to this process and on in datagrams. */
export async function createUdp(
  config: UdpConfig,
  external: ExternalInterface,
  remains: Remains = { tun: null, socket: null },
): Promise<Backend> {
  let left = remains;
  const system = await loadSystem();
  const mtu = external.mtu - overhead;
  // For comparisons, and for a kernel whose offloads are broken.
  const offloads = process.env['FLATLAND_UDP_OFFLOADS'] !== 'off';
  const memory: DatapathMemory = {
    routes: makeRouteMemory(),
    out: makeCounterMemory(),
    in: makeCounterMemory(),
  };
  const writer = routeWriter(memory.routes);
  let running: Running | null = null;
  const stateOf = rememberLast(udpState);
  const statesOf = createPeerStates<null>();
  let published: readonly UdpRoute[] = [];

  function publish(routes: readonly UdpRoute[]): void {
    if (routes === published || isDeepStrictEqual(routes, published)) return;
    writer.publish(routes);
    published = routes;
  }

  /** Puts the device's properties and the network's route right; resolves to how many were wrong. */
  async function ensureDevice({ own, datapath }: Running, signal: AbortSignal): Promise<number> {
    const name = datapath.deviceName;
    const [link] = await showLinks(name);
    if (link === undefined) throw new Error(`${name} is gone`);
    const isOwn = ({ address, length }: { address: number; length: number }) =>
      address === own.subnet.base && length === 32;
    const lines = link.addresses
      .filter((each) => !isOwn(each))
      .map(({ address, length }) => `address delete ${formatIpv4(address)}/${length} dev ${name}`);
    if (!link.addresses.some(isOwn)) lines.push(`address add ${formatIpv4(own.subnet.base)}/32 dev ${name}`);
    if (link.mtu !== mtu) lines.push(`link set dev ${name} mtu ${mtu}`);
    if (!link.up) lines.push(`link set dev ${name} up`);
    await changeLinks(lines);
    const wanted = { destination: own.network, gateway: null, device: name, onlink: false };
    const { stale, routes, blocked } = sortRouteChanges(await showRoutes(), [wanted], isPeerRoute);
    const failed = new Map([...(await applyChanges([...stale, ...routes], signal)), ...blocked]);
    const reason = failed.get(formatCidr(own.network));
    if (reason !== undefined) throw new Error(reason);
    return lines.length + routes.length + (await ensureForwarding([name, external.name]));
  }

  async function open(own: Own): Promise<Running> {
    const { address } = external;
    const wish = { address, port: config.port, tunAddress: own.subnet.base, mtu, offloads };
    // What is left of an earlier device is good for the next one alone.
    const adopted = left;
    left = { tun: null, socket: null };
    return { own, datapath: await startDatapath(system, wish, memory, adopted) };
  }

  async function program(peers: readonly Lease[], signal: AbortSignal): Promise<Programmed> {
    if (running === null) throw new Error('start comes before program');
    signal.throwIfAborted();
    let repairs = 0;
    const present = await showLinks(running.datapath.deviceName);
    if (!running.datapath.alive() || present.length === 0) {
      const { own, datapath } = running;
      left = { tun: null, socket: await datapath.stopWithoutSocket() };
      running = await open(own);
      repairs += 1;
    }
    repairs += await ensureDevice(running, signal);
    const { sorted, routes } = stateOf(running.own, peers);
    publish(routes);
    return { peers: statesOf(sorted, new Map()), repairs };
  }

  return {
    // flannel's udp backend writes no type into its lease.
    attributes: {},
    mtu,
    async start(network: Cidr, subnet: Cidr, known: readonly Lease[]) {
      await running?.datapath.stop();
      const own = { network, subnet, publicIp: external.publicIp };
      publish(stateOf(own, known).routes);
      running = await open(own);
      await ensureDevice(running, AbortSignal.timeout(30_000));
    },
    program,
    device: () =>
      running === null
        ? null
        : {
            name: running.datapath.deviceName,
            address: `${formatIpv4(running.own.subnet.base)}/32`,
            mtu,
          },
    async stop() {
      await running?.datapath.stop();
      running = null;
    },
    descriptors: () =>
      running === null
        ? null
        : { ...running.datapath.descriptors(), deviceName: running.datapath.deviceName },
    traffic: () => ({
      out: readCounters(memory.out),
      in: readCounters(memory.in),
      peers: writer.counters(),
    }),
  };
}
