import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { formatCidr, parseCidr } from '../../../contract/ipv4.ts';
import { failure } from '../../failure.ts';
import type { TakenRange } from './ranges.ts';

const run = promisify(execFile);

/** One line of `ip -json -4 route show table all` (iproute2); a route over several links has `nexthops`. */
const route = z.object({
  dst: z.string(),
  dev: z.string().optional(),
  type: z.string().optional(),
  nexthops: z.array(z.object({ dev: z.string().optional() })).optional(),
});

/** One interface of `ip -json -4 address`; `address` is the other end of a point-to-point link. */
const link = z.object({
  ifname: z.string().optional(),
  addr_info: z
    .array(
      z.object({
        local: z.string().optional(),
        address: z.string().optional(),
        prefixlen: z.int().min(0).max(32).optional(),
      }),
    )
    .optional(),
});

/** Routes that say nothing about who uses a range. */
const ownerless = new Set(['broadcast', 'multicast', 'anycast', 'throw']);

/** A destination or address as the range that it lies in; null for `default` and what is not IPv4. */
function rangeOf(address: string, length = 32): string | null {
  const text = address.includes('/') ? address : `${address}/${length}`;
  const range = parseCidr(text);
  if (range === null) return null;
  return formatCidr({ base: range.base - (range.base % 2 ** (32 - range.length)), length: range.length });
}

function routeOwner({ dev, type, nexthops }: z.infer<typeof route>): string {
  const device = dev ?? nexthops?.find((hop) => hop.dev !== undefined)?.dev;
  if (type === 'local') return `address of interface ${device ?? 'lo'}`;
  if (device !== undefined) return `route of interface ${device}`;
  return type === undefined || type === 'unicast' ? 'route of this machine' : `${type} route of this machine`;
}

/** What `ip` printed as ranges with owners, each once, default routes left out. Throws when it is not what `ip` prints. */
export function readRanges(routes: string, addresses: string): TakenRange[] {
  const found: TakenRange[] = [];
  for (const entry of z.array(route).parse(JSON.parse(routes || '[]'))) {
    const cidr = ownerless.has(entry.type ?? '') ? null : rangeOf(entry.dst);
    if (cidr !== null) found.push({ cidr, owner: routeOwner(entry) });
  }
  for (const { ifname, addr_info } of z.array(link).parse(JSON.parse(addresses || '[]'))) {
    for (const { local, address, prefixlen } of addr_info ?? []) {
      const ranges =
        address === undefined
          ? [rangeOf(local ?? '', prefixlen)]
          : [rangeOf(local ?? ''), rangeOf(address, prefixlen)];
      for (const cidr of ranges) {
        if (cidr !== null) found.push({ cidr, owner: `address of interface ${ifname ?? 'without a name'}` });
      }
    }
  }
  return [...new Map(found.map((range) => [`${range.cidr} ${range.owner}`, range])).values()];
}

/**
 * The IPv4 ranges that this machine routes or has addresses in, with their owners; empty where there is no Linux.
 * `ip` is the command to run. Rejects with `package-missing` or `command-failed`.
 */
export async function machineRanges(ip: readonly [string, ...string[]] = ['ip']): Promise<TakenRange[]> {
  if (process.platform !== 'linux') return [];
  const [command, ...before] = ip;
  const read = async (...words: string[]) => {
    const options = { timeout: 10_000, maxBuffer: 256 * 1024 * 1024 };
    return (await run(command, [...before, '-json', '-4', ...words], options)).stdout;
  };
  try {
    const [routes, addresses] = await Promise.all([read('route', 'show', 'table', 'all'), read('address')]);
    return readRanges(routes, addresses);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw failure('package-missing', 'The command `ip` is missing (package iproute2).', { cause });
    }
    throw failure('command-failed', "The machine's routes cannot be read with `ip -json route`.", {
      hint: 'Run `ip -json route show table all` to see why.',
      cause,
    });
  }
}
