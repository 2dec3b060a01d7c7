import {
  type Cidr,
  cidrsOverlap,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from '../../../contract/ipv4.ts';
import type { LabFile } from '../../../contract/lab.ts';
import {
  hostsInOverlay,
  hostsInUnderlay,
  longestSubnet,
  overlayFits,
  podsInSubnet,
  shortestSubnet,
} from './capacity.ts';
import { formatPath, type Problem } from './problem.ts';
import { overlayCandidates } from './ranges.ts';
import { suggestion } from './suggest.ts';

/** A problem with the value at a path; the message goes on from the key's name. */
const problem = (path: readonly PropertyKey[], message: string): Problem => ({
  path,
  at: 'value',
  message: `\`${formatPath(path)}\` ${message}`,
});

/** Ranges that hosts and pods cannot use (RFC 6890). */
const reservedRanges: readonly (readonly [cidr: string, use: string])[] = [
  ['0.0.0.0/8', '"this network"'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

/** Checks one written range: its numbers, its base, and that hosts can use it. */
function checkRange(path: readonly PropertyKey[], text: string): Cidr | Problem {
  const [address = '', lengthText = ''] = text.split('/');
  const number = parseIpv4(address);
  const length = Number(lengthText);
  if (number === null || length > 32) {
    return problem(
      path,
      `${text} is not an IPv4 range: each number is at most 255 without leading zeros, the prefix length at most 32`,
    );
  }
  const base = number - (number % 2 ** (32 - length));
  const range: Cidr = { base, length };
  if (base !== number) {
    return problem(path, `${text} does not begin at its base, did you mean ${formatIpv4(base)}/${length}?`);
  }
  for (const [cidr, use] of reservedRanges) {
    const reserved = parseCidr(cidr);
    if (reserved !== null && cidrsOverlap(range, reserved)) {
      return problem(path, `${text} overlaps ${cidr} (${use}); take a private range such as 10.77.0.0/16`);
    }
  }
  return range;
}

const isProblem = (value: Cidr | Problem | null): value is Problem => value !== null && 'message' in value;

function checkUnderlay(range: Cidr, hosts: number): Problem[] {
  const room = hostsInUnderlay(range);
  if (room >= hosts) return [];
  return [
    problem(
      ['underlay', 'cidr'],
      `${formatCidr(range)} has room for ${room} of the ${hosts} hosts beside the gateway`,
    ),
  ];
}

/** flannel's rules for SubnetLen and SubnetMin (pkg/subnet/config.go); a range that is left out has 16 bits. */
function checkOverlay(written: Cidr | null, subnetLength: number, hosts: number): Problem[] {
  const [candidate = ''] = overlayCandidates();
  const range = written ?? parseCidr(candidate);
  if (range === null || overlayFits(range, subnetLength, hosts)) return [];
  const shortest = shortestSubnet(range);
  if (shortest > longestSubnet) {
    const message = `${formatCidr(range)} is too small for an overlay: its prefix length is at most ${longestSubnet - 2}`;
    return [problem(['network', 'cidr'], message)];
  }
  const length = ['network', 'subnetLength'];
  if (subnetLength < shortest) {
    return [
      problem(
        length,
        `is ${subnetLength}, but subnets of ${formatCidr(range)} have a prefix length from ${shortest} to ${longestSubnet}`,
      ),
    ];
  }
  const room = hostsInOverlay(range, subnetLength);
  return [
    problem(
      written === null ? length : ['network', 'cidr'],
      `leaves room for ${room} of the ${hosts} hosts: ${formatCidr(range)} is cut into subnets of prefix length ${subnetLength}, and flannel leaves out the first`,
    ),
  ];
}

function checkNetwork(file: LabFile): Problem[] {
  const { network, underlay, hosts } = file;
  const overlayRange = network.cidr === undefined ? null : checkRange(['network', 'cidr'], network.cidr);
  const underlayRange = underlay.cidr === undefined ? null : checkRange(['underlay', 'cidr'], underlay.cidr);
  const problems: Problem[] = [];
  if (isProblem(overlayRange)) problems.push(overlayRange);
  else problems.push(...checkOverlay(overlayRange, network.subnetLength, hosts.length));
  if (isProblem(underlayRange)) return [...problems, underlayRange];
  if (underlayRange === null) return problems;
  problems.push(...checkUnderlay(underlayRange, hosts.length));
  if (overlayRange !== null && !isProblem(overlayRange) && cidrsOverlap(overlayRange, underlayRange)) {
    const message = `${underlay.cidr} overlaps the overlay ${network.cidr}`;
    problems.push(problem(['underlay', 'cidr'], message));
  }
  return problems;
}

/** Hosts and pods share one name space: `exec` looks a name up among both. */
function checkNames({ hosts, pods }: LabFile): Problem[] {
  const owners = new Map<string, string>();
  const entries = [
    ...hosts.map(({ name }, index) => ({ name, path: ['hosts', index, 'name'], kind: 'host' })),
    ...pods.map(({ name }, index) => ({ name, path: ['pods', index, 'name'], kind: 'pod' })),
  ];
  return entries.flatMap(({ name, path, kind }) => {
    const owner = owners.get(name);
    if (owner !== undefined) return [problem(path, `\`${name}\` is the name of a ${owner} already`)];
    owners.set(name, kind);
    return [];
  });
}

function checkPods({ hosts, pods, network }: LabFile): Problem[] {
  const names = hosts.map(({ name }) => name);
  const known = new Set(names);
  const room = podsInSubnet(network.subnetLength);
  const counts = new Map<string, number>();
  return pods.flatMap(({ host }, index) => {
    const path = ['pods', index, 'host'];
    if (!known.has(host))
      return [problem(path, `\`${host}\` is no host of this lab${suggestion(host, names)}`)];
    const count = (counts.get(host) ?? 0) + 1;
    counts.set(host, count);
    if (count !== room + 1) return [];
    const message = `\`${host}\` has more pods than addresses: its subnet of prefix length ${network.subnetLength} has ${room} beside docker0's`;
    return [problem(path, message)];
  });
}

function checkMembers({ etcd, hosts }: LabFile): Problem[] {
  if (etcd.members === undefined || etcd.members <= hosts.length) return [];
  const message = `is ${etcd.members}, but the lab has ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}`;
  return [problem(['etcd', 'members'], message)];
}

/** What is wrong in a lab file that keeps to the schema. Pure. */
export function checkMeaning(file: LabFile): Problem[] {
  return [...checkNames(file), ...checkPods(file), ...checkNetwork(file), ...checkMembers(file)];
}
