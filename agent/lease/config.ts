import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { type Cidr, cidrContains, cidrSize, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { decodeObject, parseJson } from './go-json.ts';

/**
 * A backend and its options (flannel's Documentation/backends.md). `mtu` of vxlan is the underlay's; null: the
 * interface's own.
 */
export type BackendConfig =
  | {
      readonly type: 'vxlan';
      readonly vni: number;
      /** UDP port of the outer packets; 0 is the kernel's own choice, 8472. */
      readonly port: number;
      readonly gbp: boolean;
      readonly learning: boolean;
      readonly directRouting: boolean;
      readonly mtu: number | null;
    }
  | { readonly type: 'udp'; readonly port: number }
  | { readonly type: 'host-gw' }
  | { readonly type: 'alloc' };

/**
 * flannel's network configuration with its defaults filled in. `subnetMin` and `subnetMax` are the bases of the
 * first and last subnet.
 */
export interface NetworkConfig {
  readonly network: Cidr;
  readonly subnetLength: number;
  readonly subnetMin: number;
  readonly subnetMax: number;
  readonly backend: BackendConfig;
}

export type ParsedConfig =
  | { readonly kind: 'config'; readonly config: NetworkConfig }
  /** `unknownBackend`: flannel does not read the configuration again, but ends. */
  | { readonly kind: 'invalid'; readonly reason: string; readonly unknownBackend: boolean };

class Refusal extends Error {}
class UnknownBackend extends Refusal {}

const wholeNumber = (least: number, most: number) =>
  z
    .int('must be a whole number')
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`);
const flag = z.boolean('must be true or false');

const address = z.string('must be an IPv4 address').transform((text, context) => {
  const parsed = parseIpv4(text);
  if (parsed !== null) return parsed;
  context.addIssue('must be an IPv4 address');
  return z.NEVER;
});
const range = z.string('must be an IPv4 range such as 10.77.0.0/16').transform((text, context) => {
  const parsed = parseCidr(text);
  if (parsed !== null) return parsed;
  context.addIssue('must be an IPv4 range such as 10.77.0.0/16');
  return z.NEVER;
});
const address6 = z.string('must be an IPv6 address').refine(isIPv6, 'must be an IPv6 address');
const range6 = z.string('must be an IPv6 range').refine((text) => {
  const [base = '', length = '', ...rest] = text.split('/');
  return rest.length === 0 && isIPv6(base) && /^\d{1,3}$/.test(length) && Number(length) <= 128;
}, 'must be an IPv6 range');

// Go's decoder takes null as "not given" for plain types, while flannel's own address types refuse it.
const configShape = {
  EnableIPv4: flag.nullish(),
  EnableIPv6: flag.nullish(),
  EnableNFTables: flag.nullish(),
  Network: range.optional(),
  SubnetLen: wholeNumber(0, Number.MAX_SAFE_INTEGER).nullish(),
  SubnetMin: address.optional(),
  SubnetMax: address.optional(),
  IPv6Network: range6.optional(),
  IPv6SubnetLen: wholeNumber(0, Number.MAX_SAFE_INTEGER).nullish(),
  IPv6SubnetMin: address6.nullish(),
  IPv6SubnetMax: address6.nullish(),
  Backend: z.unknown().optional(),
};
const backendShape = { Type: z.string('must be a string').nullish() };
const vxlanShape = {
  VNI: wholeNumber(0, 0xffffff).nullish(),
  Port: wholeNumber(0, 65535).nullish(),
  GBP: flag.nullish(),
  Learning: flag.nullish(),
  DirectRouting: flag.nullish(),
  // Least: the smallest MTU of IPv4 (RFC 791) under vxlan's 50 bytes.
  MTU: wholeNumber(118, 65535).nullish(),
};
const udpShape = { Port: wholeNumber(1, 65535).nullish() };

function decode<Shape extends z.ZodRawShape>(what: string, shape: Shape, value: unknown) {
  const decoded = decodeObject(what, shape, value);
  if (decoded.kind === 'refused') throw new Refusal(decoded.reason);
  return decoded.value;
}

/** So much of a type that we don't know is shown. */
const longestType = 100;

function decodeBackend(value: unknown): BackendConfig {
  // Without a Backend it is udp, whatever flannel's newer documentation says (pkg/subnet/config.go, parseBackendType).
  if (value === undefined) return { type: 'udp', port: 8285 };
  // A Backend of null has no type, just as {}.
  const given = value ?? {};
  const { Type: written } = decode('Backend', backendShape, given);
  const type = (written ?? '').toLowerCase();
  switch (type) {
    case 'vxlan': {
      const options = decode('Backend', vxlanShape, given);
      return {
        type,
        vni: options.VNI ?? 1,
        port: options.Port ?? 0,
        gbp: options.GBP ?? false,
        learning: options.Learning ?? false,
        directRouting: options.DirectRouting ?? false,
        mtu: options.MTU ?? null,
      };
    }
    case 'udp':
      return { type, port: decode('Backend', udpShape, given).Port ?? 8285 };
    case 'host-gw':
    case 'alloc':
      return { type };
    default:
      throw new UnknownBackend(
        `unknown backend type: ${JSON.stringify((written ?? '').slice(0, longestType))}; this agent has vxlan, udp, host-gw and alloc`,
      );
  }
}

function subnetLengthOf(network: Cidr, given: number): number {
  if (given > 0) {
    if (given > 30) throw new Refusal('SubnetLen must be less than /31');
    if (given < network.length + 2)
      throw new Refusal('Network must be able to accommodate at least four subnets');
    return given;
  }
  if (network.length > 28)
    throw new Refusal('Network is too small: the minimum useful network prefix is /28');
  return network.length <= 22 ? 24 : network.length + 2;
}

/**
 * A bound of the subnets: its default when unset or 0.0.0.0, else it must lie in the network and be a subnet's base.
 */
function bound(name: string, given: number | undefined, usual: number, network: Cidr, subnetSize: number) {
  if (given === undefined || given === 0) return usual;
  if (!cidrContains(network, given)) throw new Refusal(`${name} is not in the range of the Network`);
  if (given % subnetSize !== 0) throw new Refusal(`${name} is not on a SubnetLen boundary`);
  return given;
}

function decodeConfig(text: string): NetworkConfig {
  const json = parseJson(text);
  if (json.kind === 'refused') throw new Refusal(json.reason);
  const decoded = decode('the configuration', configShape, json.value);
  if (decoded.EnableIPv6 === true) throw new Refusal('EnableIPv6 is on, but this agent does IPv4 only');
  if (decoded.EnableIPv4 === false) throw new Refusal('EnableIPv4 is off, but this agent does IPv4 only');
  const network = decoded.Network;
  if (network === undefined || network.length === 0)
    throw new Refusal('please define a correct Network parameter');
  const subnetLength = subnetLengthOf(network, decoded.SubnetLen ?? 0);
  const subnetSize = 2 ** (32 - subnetLength);
  const last = network.base + cidrSize(network) - subnetSize;
  return {
    network,
    subnetLength,
    // The first subnet would begin with the network's own address, so it is left out unless it is asked for.
    subnetMin: bound('SubnetMin', decoded.SubnetMin, network.base + subnetSize, network, subnetSize),
    subnetMax: bound('SubnetMax', decoded.SubnetMax, last, network, subnetSize),
    backend: decodeBackend(decoded.Backend),
  };
}

/**
 * Parses the value of `<prefix>/config` by flannel's rules (pkg/subnet/config.go, ParseConfig and
 * CheckNetworkConfig).
 */
export function parseConfig(text: string): ParsedConfig {
  try {
    return { kind: 'config', config: decodeConfig(text) };
  } catch (error) {
    if (error instanceof Refusal)
      return { kind: 'invalid', reason: error.message, unknownBackend: error instanceof UnknownBackend };
    throw error;
  }
}

/**
 * The prefix length of an overlay's subnet fits, and it lies between SubnetMin and SubnetMax (flannel's
 * isSubnetConfigCompat).
 */
export const fitsConfig = (config: NetworkConfig, subnet: Cidr): boolean =>
  subnet.length === config.subnetLength && subnet.base >= config.subnetMin && subnet.base <= config.subnetMax;
