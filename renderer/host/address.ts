/** Arithmetic of IPv4 addresses and ranges as text. */

interface Range {
  readonly first: number;
  readonly size: number;
}

function parseAddress(text: string): number | null {
  const octets = text.split('.').map(Number);
  const good =
    octets.length === 4 && octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  return good ? octets.reduce((sum, octet) => sum * 256 + octet, 0) : null;
}

function parseRange(text: string): Range | null {
  const [address = '', length = '32'] = text.split('/');
  const [number, bits] = [parseAddress(address), Number(length)];
  if (number === null || !Number.isInteger(bits) || bits < 0 || bits > 32) return null;
  const size = 2 ** (32 - bits);
  return { first: number - (number % size), size };
}

/** Whether all of a range (or one address, or an address with its prefix length) lies in another; false for what does not parse. */
export function isWithin(inner: string, outer: string): boolean {
  const [small, large] = [parseRange(inner), parseRange(outer)];
  if (small === null || large === null) return false;
  return small.first >= large.first && small.first + small.size <= large.first + large.size;
}
