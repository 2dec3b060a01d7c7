import { randomBytes } from 'node:crypto';
import { type Cidr, formatIpv4 } from '../../contract/ipv4.ts';
import {
  changeLinks,
  directPaths,
  type Link,
  type Route,
  showFdb,
  showLinks,
  showNeighbours,
  showRoutes,
  type VxlanAttributes,
} from '../kernel/ip.ts';
import { ensureForwarding, refuseRouterAdvertisements } from '../kernel/sysctl.ts';
import type { BackendConfig } from '../lease/config.ts';
import type { Lease } from '../lease/lease.ts';
import { rememberLast } from '../remember.ts';
import type { Backend, ExternalInterface, Programmed } from './backend.ts';
import { applyChanges, countRepairs, type Entry, isFlanneldRoute } from './change.ts';
import { createPeerStates, type Own } from './peers.ts';
import { type Path, vxlanChanges, vxlanEntries, vxlanState } from './vxlan-state.ts';

type VxlanConfig = Extract<BackendConfig, { type: 'vxlan' }>;

/** The kernel's own port, older than IANA's 4789 (drivers/net/vxlan); flannel leaves the choice to it. */
const kernelPort = 8472;

/** Outer IPv4, UDP and VXLAN headers and the inner Ethernet header (RFC 7348, 5). */
const overhead = 50;

/** What the device has to be. A MAC that is null: whatever it has, and a new one for a new device. */
interface WantedDevice extends VxlanAttributes {
  readonly name: string;
  readonly mtu: number;
}

/** A random MAC with the locally administered bit set and the group bit clear, as flannel makes it (pkg/mac/mac.go). */
function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return (bytes.toString('hex').match(/../g) ?? []).join(':');
}

function wantedDevice(config: VxlanConfig, external: ExternalInterface): WantedDevice {
  return {
    name: `flannel.${config.vni}`,
    mtu: (config.mtu ?? external.mtu) - overhead,
    vni: config.vni,
    port: config.port === 0 ? kernelPort : config.port,
    // The interface's own address, also when the public one is that of a NAT: only this one can be bound.
    local: external.address,
    lower: external.name,
    learning: config.learning,
    gbp: config.gbp,
    l2miss: false,
  };
}

/** Whether a device will do as it is; otherwise it must be made anew (flannel's vxlan device.go, vxlanLinksIncompat). */
function fits({ vxlan }: Link, wanted: WantedDevice): boolean {
  return (
    vxlan !== null &&
    vxlan.vni === wanted.vni &&
    vxlan.port === wanted.port &&
    vxlan.local === wanted.local &&
    vxlan.lower === wanted.lower &&
    vxlan.learning === wanted.learning &&
    vxlan.gbp === wanted.gbp &&
    vxlan.l2miss === wanted.l2miss
  );
}

async function createDevice(wanted: WantedDevice, mac: string, links: readonly Link[]): Promise<void> {
  const words = [
    `link add ${wanted.name} address ${mac} mtu ${wanted.mtu} type vxlan id ${wanted.vni}`,
    `dstport ${wanted.port}`,
    wanted.lower === null ? '' : `dev ${wanted.lower}`,
    wanted.local === null ? '' : `local ${formatIpv4(wanted.local)}`,
    wanted.learning ? 'learning' : 'nolearning',
    wanted.gbp ? 'gbp' : '',
  ];
  try {
    await changeLinks([words.filter((word) => word !== '').join(' ')]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // The kernel has one device for a VNI and a port; another network plugin's is the usual cause.
    const rival = links.find(({ name, vxlan }) => name !== wanted.name && vxlan?.vni === wanted.vni);
    const hint = rival === undefined ? '' : `; ${rival.name} is a vxlan device with the same VNI`;
    throw new Error(`cannot create ${wanted.name}: ${why.replace(/\.$/, '')}${hint}`);
  }
}

/** The device as it stands and how many of its properties had to be put right. */
interface Ensured {
  readonly mac: string;
  readonly repairs: number;
}

/**
 * Makes the device what it should be and leaves alone what already is. `mac` null: an existing device's own, which
 * peers know, or a random one. `own` null: our subnet isn't known yet, so addresses are left.
 */
async function ensureDevice(wanted: WantedDevice, mac: string | null, own: Cidr | null): Promise<Ensured> {
  const { name } = wanted;
  const links = await showLinks();
  const existing = links.find((link) => link.name === name);
  const usable = existing !== undefined && fits(existing, wanted) ? existing : null;
  let repairs = 0;
  if (existing !== undefined && usable === null) await changeLinks([`link delete dev ${name}`]);
  const wantedMac = mac ?? usable?.mac ?? randomMac();
  if (usable === null) {
    await createDevice(wanted, wantedMac, links);
    repairs += 1;
  }
  const lines: string[] = [];
  if (usable !== null && usable.mac !== wantedMac) lines.push(`link set dev ${name} address ${wantedMac}`);
  if (usable !== null && usable.mtu !== wanted.mtu) lines.push(`link set dev ${name} mtu ${wanted.mtu}`);
  if (own !== null) {
    const present = usable?.addresses ?? [];
    const isOwn = ({ address, length }: { address: number; length: number }) =>
      address === own.base && length === 32;
    // Another address is that of an earlier subnet; packets of this host would carry it as their source.
    for (const each of present.filter((one) => !isOwn(one)))
      lines.push(`address delete ${formatIpv4(each.address)}/${each.length} dev ${name}`);
    if (!present.some(isOwn)) lines.push(`address add ${formatIpv4(own.base)}/32 dev ${name}`);
    if (usable?.up !== true) lines.push(`link set dev ${name} up`);
  }
  await changeLinks(lines);
  repairs += usable === null ? 0 : lines.length;
  repairs += await refuseRouterAdvertisements(name);
  return { mac: wantedMac, repairs };
}

/** flannel's vxlan backend: a device of the kernel, with one neighbour, forwarding entry and route per peer. */
export async function createVxlan(config: VxlanConfig, external: ExternalInterface): Promise<Backend> {
  const wanted = wantedDevice(config, external);
  const { name, mtu } = wanted;
  if (name.length > 15)
    throw new Error(`VNI ${config.vni}: the device's name ${name} is longer than Linux allows`);
  const { mac } = await ensureDevice(wanted, null, null);
  let place: Own | null = null;
  let before: (() => readonly Entry[]) | null = null;
  const stateOf = rememberLast(vxlanState);
  const statesOf = createPeerStates<Path>();

  async function program(peers: readonly Lease[], signal: AbortSignal): Promise<Programmed> {
    if (place === null) throw new Error('start comes before program');
    signal.throwIfAborted();
    const device = await ensureDevice(wanted, mac, place.subnet);
    const forwarding = await ensureForwarding([name, external.name]);
    signal.throwIfAborted();
    const direct = config.directRouting
      ? await directPaths(peers.map(({ publicIp }) => publicIp))
      : new Map<number, string>();
    const [neighbours, fdb, routes] = await Promise.all([showNeighbours(name), showFdb(name), showRoutes()]);
    const own = place;
    const state = stateOf({ ...own, mac }, name, peers, direct);
    // With DirectRouting flanneld has routes over the underlay, which only our first pass may take for an earlier life's.
    const isForeign = (route: Route): boolean =>
      before === null && config.directRouting && isFlanneldRoute(route, own, external.name);
    const { changes, blocked } = vxlanChanges({ neighbours, fdb, routes }, state, name, isForeign);
    const refused = await applyChanges(changes, signal);
    const failed = new Map([...refused, ...blocked]);
    const repairs = device.repairs + forwarding + countRepairs(changes, before);
    before = () => vxlanEntries(state, name);
    return { peers: statesOf(state.sorted, failed), repairs };
  }

  return {
    attributes: { BackendType: 'vxlan', BackendData: { VNI: config.vni, VtepMAC: mac } },
    mtu,
    async start(network, own) {
      await ensureDevice(wanted, mac, own);
      await ensureForwarding([name, external.name]);
      place = { network, subnet: own, publicIp: external.publicIp };
    },
    program,
    device: () => (place === null ? null : { name, address: `${formatIpv4(place.subnet.base)}/32`, mtu }),
    traffic: () => null,
    descriptors: () => null,
    // The kernel's state works without us, so that pods stay reachable while the agent restarts.
    stop: async () => {},
  };
}
