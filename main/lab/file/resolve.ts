import {
  type Cidr,
  cidrAddress,
  cidrContains,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from '../../../contract/ipv4.ts';
import type { Host, Lab, LabFile } from '../../../contract/lab.ts';
import { failure } from '../../failure.ts';
import { hostsInUnderlay, overlayFits } from './capacity.ts';
import {
  type Candidates,
  chooseRange,
  overlayCandidates,
  type TakenRange,
  underlayCandidates,
} from './ranges.ts';

export interface LabToResolve {
  readonly file: LabFile;
  /** 8 hexadecimal digits, unique on this machine. */
  readonly id: string;
  /** Ranges of this machine and of other labs, without this lab's own. */
  readonly taken: readonly TakenRange[];
  /** The same lab as it was last decided, whose ranges and addresses stay. */
  readonly previous: Lab | null;
}

/** The previous range when the file says nothing else and it still fits; such a range is this lab's already. */
function keptRange(
  written: string | undefined,
  previous: string | undefined,
  fits: (range: Cidr) => boolean,
): string | null {
  if (previous === undefined || (written !== undefined && written !== previous)) return null;
  const range = parseCidr(previous);
  return range !== null && fits(range) ? previous : null;
}

function takeRange(
  key: 'network.cidr' | 'underlay.cidr',
  wanted: string | undefined,
  taken: readonly TakenRange[],
  candidates: Candidates,
): string {
  const name = key === 'network.cidr' ? 'overlay' : 'underlay';
  const choice = chooseRange(wanted, taken, candidates);
  switch (choice.kind) {
    case 'chosen':
      return choice.cidr;
    case 'exhausted':
      throw failure('range-clash', `No range is free for the ${name}: all that Flatland tries are taken.`, {
        hint: `Name a range in the lab file with \`${key}\`.`,
      });
    case 'clash': {
      const [first, ...others] = choice.clashes.map(({ cidr, owner }) => `${cidr} (${owner})`);
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      const proposal =
        choice.proposal === null ? 'No range of that size is free.' : `${choice.proposal} is free.`;
      throw failure('range-clash', `The ${name} ${wanted} (${key}) overlaps ${first}${more}. ${proposal}`);
    }
  }
}

/** The ranges of a lab: what it has stays, what is written is taken, and the rest is chosen around both. */
function takeRanges({ file, taken, previous }: LabToResolve): { overlay: string; underlay: string } {
  const hosts = file.hosts.length;
  const keptOverlay = keptRange(file.network.cidr, previous?.network.cidr, (range) =>
    overlayFits(range, file.network.subnetLength, hosts),
  );
  const keptUnderlay = keptRange(
    file.underlay.cidr,
    previous?.underlay.cidr,
    (range) => hostsInUnderlay(range) >= hosts,
  );
  const fixedOverlay = keptOverlay ?? file.network.cidr;
  const besideOverlay =
    fixedOverlay === undefined ? taken : [...taken, { cidr: fixedOverlay, owner: "this lab's overlay" }];
  const underlay =
    keptUnderlay ?? takeRange('underlay.cidr', file.underlay.cidr, besideOverlay, underlayCandidates);
  const besideUnderlay = [...taken, { cidr: underlay, owner: "this lab's underlay" }];
  const overlay =
    keptOverlay ?? takeRange('network.cidr', file.network.cidr, besideUnderlay, overlayCandidates);
  return { overlay, underlay };
}

/** Offsets in an underlay for hosts: from 11 up, as long as there are; then the low ones that the gateway leaves. */
function* hostOffsets(underlay: Cidr): Generator<number> {
  const end = 2 ** (32 - underlay.length) - 1;
  for (let offset = 11; offset < end; offset += 1) yield offset;
  for (let offset = 2; offset < Math.min(11, end); offset += 1) yield offset;
}

/** Hosts keep their addresses; a new one gets one that no host had before, while there are such. */
function placeHosts(file: LabFile, underlay: Cidr, previous: Lab | null): Host[] {
  const gateway = formatIpv4(cidrAddress(underlay, 1));
  const before = new Map(previous?.hosts.map(({ name, address }) => [name, address]));
  const used = new Set([gateway]);
  const kept = new Map<string, string>();
  for (const { name } of file.hosts) {
    const address = before.get(name);
    const number = address === undefined ? null : parseIpv4(address);
    if (address === undefined || number === null || !cidrContains(underlay, number) || used.has(address))
      continue;
    used.add(address);
    kept.set(name, address);
  }
  // A host that leaves may still run while the new one starts, so its address is the last to be given away.
  const leaving = new Set([...before.values()].filter((address) => !used.has(address)));
  const all = Array.from(hostOffsets(underlay), (offset) => formatIpv4(cidrAddress(underlay, offset)));
  const order = [
    ...all.filter((address) => !leaving.has(address)),
    ...all.filter((address) => leaving.has(address)),
  ];
  const free = order.filter((address) => !used.has(address)).values();
  return file.hosts.map(({ name, provider }) => {
    const address = kept.get(name) ?? free.next().value;
    if (address === undefined) {
      throw failure('lab-file-invalid', `The underlay has no address left for host ${name}.`);
    }
    return { name, address, provider };
  });
}

/** Members that still exist stay members, so that a cluster's data is never left without those that have it. */
function chooseMembers({ etcd, hosts }: LabFile, previous: Lab | null): string[] {
  const names = hosts.map(({ name }) => name);
  const count = etcd.members ?? (names.length <= 2 ? 1 : 3);
  const stay = previous?.etcd.members.filter((name) => names.includes(name)) ?? [];
  return [...stay, ...names.filter((name) => !stay.includes(name))].slice(0, count);
}

/**
 * Decides everything that a lab file leaves open: ranges, addresses, etcd members. Pure and deterministic.
 * Throws the failure `range-clash`, which names the owner of the range in the way and proposes a free one.
 */
export function resolveLab(input: LabToResolve): Lab {
  const { file, id, previous } = input;
  const { overlay, underlay } = takeRanges(input);
  const range = parseCidr(underlay);
  if (range === null) throw failure('lab-file-invalid', `The underlay ${underlay} is not an IPv4 range.`);
  return {
    name: file.name,
    id,
    network: { cidr: overlay, subnetLength: file.network.subnetLength, backend: file.network.backend },
    underlay: { cidr: underlay, mtu: file.underlay.mtu, gateway: formatIpv4(cidrAddress(range, 1)) },
    hosts: placeHosts(file, range, previous),
    etcd: { members: chooseMembers(file, previous), tls: file.etcd.tls },
    pods: file.pods.map((pod) => ({ ...pod, command: pod.command ?? null })),
  };
}
