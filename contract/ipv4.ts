/** An IPv4 range: the number of its first address and the length of its prefix (RFC 4632). */
export interface Cidr {
  readonly base: number;
  readonly length: number;
}

const number = /^(0|[1-9]\d{0,2})$/;

/** Parses a dotted quad to an unsigned 32-bit number; null for anything else, leading zeros included (RFC 6943, 3.1.1). */
export function parseIpv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (!number.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return address;
}

/** Writes an unsigned 32-bit number as a dotted quad. */
export const formatIpv4 = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

/** The number of addresses in a range. */
export const cidrSize = ({ length }: Cidr): number => 2 ** (32 - length);

/** Parses `10.1.0.0/16`; an address inside the range is masked to its base, as flannel does. Null for anything else. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', lengthText = '', ...rest] = text.split('/');
  const parsed = parseIpv4(address);
  const length = Number(lengthText);
  if (parsed === null || rest.length > 0 || !number.test(lengthText) || length > 32) return null;
  return { base: parsed - (parsed % 2 ** (32 - length)), length };
}

export const formatCidr = ({ base, length }: Cidr): string => `${formatIpv4(base)}/${length}`;

/** Whether an address lies in a range. */
export const cidrContains = (range: Cidr, address: number): boolean =>
  address >= range.base && address < range.base + cidrSize(range);

export const cidrsOverlap = (one: Cidr, other: Cidr): boolean =>
  cidrContains(one, other.base) || cidrContains(other, one.base);

/** The address at an offset from the base of a range. */
export const cidrAddress = (range: Cidr, offset: number): number => range.base + offset;
