import { z } from 'zod';
import { type Cidr, cidrSize, formatIpv4, parseIpv4 } from '../../contract/ipv4.ts';
import type { LeaseAttributes } from '../backend/backend.ts';
import { createObjectDecoder, parseJson } from './go-json.ts';
import type { Lease } from './lease.ts';

/** The last part of a lease's key, `10.5.34.0-24` (flannel's pkg/subnet/subnet.go, MakeSubnetKey). */
export const formatSubnetKey = ({ base, length }: Cidr): string => `${formatIpv4(base)}-${length}`;

const subnetKey = /^(\d+\.\d+\.\d+\.\d+)-([12]?\d|3[0-2])(?:&[0-9a-fA-F:.]+-\d{1,3})?$/;

/**
 * Parses the last part of a lease's key; of a dual-stack one, `10.12.13.0-24&fd00:12:13::-56`, the IPv4 half. Null
 * for anything else.
 */
export function parseSubnetKey(key: string): Cidr | null {
  const [, address, lengthText] = subnetKey.exec(key) ?? [];
  if (address === undefined || lengthText === undefined) return null;
  const base = parseIpv4(address);
  const subnet = base === null ? null : { base, length: Number(lengthText) };
  return subnet !== null && subnet.base % cidrSize(subnet) === 0 ? subnet : null;
}

/** Our own lease's value, byte for byte as flannel writes it (pkg/lease/lease.go, LeaseAttrs). */
export const formatLeaseValue = (publicIp: number, attributes: LeaseAttributes): string =>
  JSON.stringify({
    PublicIP: formatIpv4(publicIp),
    PublicIPv6: null,
    BackendType: attributes.BackendType,
    BackendData: attributes.BackendData,
  });

/** In UTF-16 units: a thousand times what any backend writes. More is not even parsed. */
const longestValue = 65_536;

const decodeValue = createObjectDecoder('the value', {
  PublicIP: z.string('must be an IPv4 address').transform((text, context) => {
    const parsed = parseIpv4(text);
    if (parsed !== null) return parsed;
    context.addIssue('must be an IPv4 address');
    return z.NEVER;
  }),
  BackendType: z.string('must be a string').nullish(),
  BackendData: z.unknown().optional(),
});

export type ParsedLease =
  | { readonly kind: 'lease'; readonly lease: Lease }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * Parses a key of etcd below `<prefix>/subnets` and its value. What is malformed costs itself alone, so it never
 * throws.
 */
export function parseLease(key: string, value: string): ParsedLease {
  const subnet = parseSubnetKey(key);
  if (subnet === null) return { kind: 'malformed', reason: 'the key names no subnet' };
  if (value.length > longestValue)
    return { kind: 'malformed', reason: `the value is longer than ${longestValue}` };
  const json = parseJson(value);
  if (json.kind === 'refused') return { kind: 'malformed', reason: json.reason };
  const decoded = decodeValue(json.value);
  if (decoded.kind === 'refused') return { kind: 'malformed', reason: decoded.reason };
  return {
    kind: 'lease',
    lease: {
      subnet,
      publicIp: decoded.value.PublicIP,
      // flannel's udp backend writes no type.
      backendType: decoded.value.BackendType || 'udp',
      backendData: decoded.value.BackendData,
    },
  };
}
