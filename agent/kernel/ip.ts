import { z } from 'zod';
import { type Cidr, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { command, run } from './command.ts';

/** An IPv4 address of a link, as an unsigned 32-bit number. */
export interface LinkAddress {
  readonly address: number;
  readonly length: number;
  readonly scope: string;
}

/** What `ip -details link` says of a vxlan device; `local` and `lower` are null when it has none. */
export interface VxlanAttributes {
  readonly vni: number;
  readonly port: number;
  readonly local: number | null;
  readonly lower: string | null;
  readonly learning: boolean;
  readonly gbp: boolean;
  readonly l2miss: boolean;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  /** The hardware address, null for a device that has none, such as a TUN. */
  readonly mac: string | null;
  /** `vxlan`, `tun`, `veth`…; null for a device of its own kind, such as a network card. */
  readonly kind: string | null;
  readonly vxlan: VxlanAttributes | null;
  readonly addresses: readonly LinkAddress[];
}

/** A route of the main table. `gateway` is null for a route that needs none, `device` for one that has none or several. */
export interface Route {
  readonly destination: Cidr;
  readonly gateway: number | null;
  readonly device: string | null;
  readonly onlink: boolean;
  readonly metric: number;
  /** The protocol's number (rtnetlink(7)); 3, `boot`, for a route put in by hand. */
  readonly protocol: number;
  /** The route's type as a number (rtnetlink(7)): 1 is unicast, 6 a blackhole. */
  readonly type: number;
}

export interface Neighbour {
  readonly address: number;
  readonly mac: string | null;
  readonly permanent: boolean;
}

export interface FdbEntry {
  readonly mac: string;
  readonly destination: number;
  readonly permanent: boolean;
}

const address = z.string().transform((text, context) => {
  const parsed = parseIpv4(text);
  if (parsed !== null) return parsed;
  context.addIssue('not an IPv4 address');
  return z.NEVER;
});

const linkJson = z.object({
  ifindex: z.int(),
  ifname: z.string(),
  flags: z.array(z.string()),
  mtu: z.int(),
  link_type: z.string().optional(),
  address: z.string().optional(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_data: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  addr_info: z
    .array(
      z.object({ family: z.string(), local: z.string(), prefixlen: z.int(), scope: z.string().optional() }),
    )
    .optional(),
});

const vxlanJson = z.object({
  id: z.int(),
  port: z.int(),
  local: z.string().optional(),
  link: z.string().optional(),
  learning: z.boolean().default(false),
  // A flag that is set comes as a key without a value.
  gbp: z.unknown().optional(),
  l2miss: z.unknown().optional(),
});

const routeJson = z.object({
  dst: z.string(),
  gateway: z.string().optional(),
  dev: z.string().optional(),
  flags: z.array(z.string()).default([]),
  metric: z.int().default(0),
  protocol: z.coerce.number().default(3),
  type: z.coerce.number().default(1),
});

const neighbourJson = z.object({
  dst: z.string(),
  lladdr: z.string().optional(),
  state: z.array(z.string()).default([]),
});

const fdbJson = z.object({
  mac: z.string(),
  dst: z.string().optional(),
  flags: z.array(z.string()).default([]),
  state: z.string().optional(),
});

const pathJson = z.tuple([z.object({ dst: address, gateway: z.unknown().optional(), dev: z.string() })]);

const given = (value: unknown): boolean => value !== undefined && value !== false;

/** Runs `ip` or `bridge` with JSON output; both print nothing at all when some lists are empty. */
async function show<Item extends z.ZodType>(
  program: 'ip' | 'bridge',
  args: readonly string[],
  item: Item,
): Promise<z.output<Item>[]> {
  const text = (await command(program, ['-json', ...args])).trim();
  const json: unknown = text === '' ? [] : JSON.parse(text);
  const parsed = z.array(item).safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `${program} ${args.join(' ')}: unexpected output at ${issue?.path.join('.')}: ${issue?.message}`,
  );
}

/** The parts of a link that only vxlan devices have. */
function vxlanOf(kind: string | undefined, data: unknown): VxlanAttributes | null {
  const parsed = vxlanJson.safeParse(data);
  if (kind !== 'vxlan' || !parsed.success) return null;
  const { id, port, local, link, learning, gbp, l2miss } = parsed.data;
  return {
    vni: id,
    port,
    local: local === undefined ? null : parseIpv4(local),
    lower: link ?? null,
    learning,
    gbp: given(gbp),
    l2miss: given(l2miss),
  };
}

/** Parses `ip -json -details address show`; IPv6 addresses are left out. */
function parseLinks(items: readonly z.output<typeof linkJson>[]): Link[] {
  return items.map((item) => ({
    index: item.ifindex,
    name: item.ifname,
    up: item.flags.includes('UP'),
    mtu: item.mtu,
    mac: item.link_type === 'ether' ? (item.address?.toLowerCase() ?? null) : null,
    kind: item.linkinfo?.info_kind ?? null,
    vxlan: vxlanOf(item.linkinfo?.info_kind, item.linkinfo?.info_data),
    addresses: (item.addr_info ?? []).flatMap(({ family, local, prefixlen, scope }) => {
      const parsed = family === 'inet' ? parseIpv4(local) : null;
      return parsed === null ? [] : [{ address: parsed, length: prefixlen, scope: scope ?? 'global' }];
    }),
  }));
}

/** All links with their IPv4 addresses, or the one of that name (none when it is not there). */
export async function showLinks(name?: string): Promise<Link[]> {
  // Asked for one that is gone `ip` fails, so its name is picked out of all.
  const links = parseLinks(await show('ip', ['-details', 'address', 'show'], linkJson));
  return name === undefined ? links : links.filter((link) => link.name === name);
}

/** The main table's IPv4 routes in the kernel's order. Multipath routes come without gateway and device. */
export async function showRoutes(): Promise<Route[]> {
  const routes = await show('ip', ['-N', '-4', 'route', 'show', 'table', 'main'], routeJson);
  return routes.flatMap(({ dst, gateway, dev, flags, metric, protocol, type }) => {
    const destination = parseCidr(dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/32`);
    if (destination === null) return [];
    return [
      {
        destination,
        gateway: gateway === undefined ? null : parseIpv4(gateway),
        device: dev ?? null,
        onlink: flags.includes('onlink'),
        metric,
        protocol,
        type,
      },
    ];
  });
}

/** The IPv4 neighbours of a device. */
export async function showNeighbours(device: string): Promise<Neighbour[]> {
  const neighbours = await show(
    'ip',
    ['-4', 'neighbour', 'show', 'dev', device, 'nud', 'all'],
    neighbourJson,
  );
  return neighbours.flatMap(({ dst, lladdr, state }) => {
    const parsed = parseIpv4(dst);
    if (parsed === null) return [];
    return [{ address: parsed, mac: lladdr?.toLowerCase() ?? null, permanent: state.includes('PERMANENT') }];
  });
}

/** The forwarding entries of a vxlan device that lead to an IPv4 host. */
export async function showFdb(device: string): Promise<FdbEntry[]> {
  const entries = await show('bridge', ['fdb', 'show', 'dev', device], fdbJson);
  return entries.flatMap(({ mac, dst, state }) => {
    const destination = dst === undefined ? null : parseIpv4(dst);
    if (destination === null) return [];
    return [{ mac: mac.toLowerCase(), destination, permanent: state === 'permanent' }];
  });
}

/** How the kernel would reach some addresses: the device when there is no gateway in between, else null. */
export async function directPaths(addresses: readonly string[]): Promise<Map<number, string>> {
  const paths = new Map<number, string>();
  if (addresses.length === 0) return paths;
  const lines = addresses.map((each) => `route get ${each}\n`).join('');
  // An address without a route fails alone; each line's answer is a JSON array on a line of its own.
  const { stdout } = await run('ip', ['-json', '-force', '-batch', '-'], lines);
  for (const line of stdout.split('\n')) {
    if (line.trim() === '') continue;
    const json: unknown = JSON.parse(line);
    const parsed = pathJson.safeParse(json);
    if (!parsed.success) continue;
    const [{ dst, gateway, dev }] = parsed.data;
    if (gateway === undefined) paths.set(dst, dev);
  }
  return paths;
}

/** A line of a batch that failed: its number from 0, and what the kernel said. */
export interface Refusal {
  readonly line: number;
  readonly reason: string;
}

/** Reads which lines of a `-force -batch` run failed: the reason comes first, then `Command failed -:<line>`. */
export function parseRefusals(stderr: string): Refusal[] {
  const refusals: Refusal[] = [];
  let reason: string[] = [];
  for (const text of stderr.split('\n')) {
    const failed = /^Command failed .*:(\d+)$/.exec(text);
    if (failed === null) {
      if (text.trim() !== '') reason.push(text.trim().replace(/^(RTNETLINK answers|Error): /, ''));
      continue;
    }
    refusals.push({ line: Number(failed[1]) - 1, reason: reason.join(' ') || 'refused' });
    reason = [];
  }
  return refusals;
}

/** Applies all lines in one process, going on after one that fails; resolves to those that failed. */
export async function applyBatch(program: 'ip' | 'bridge', lines: readonly string[]): Promise<Refusal[]> {
  if (lines.length === 0) return [];
  const { code, stderr } = await run(program, ['-force', '-batch', '-'], `${lines.join('\n')}\n`);
  if (code === 0) return [];
  const refusals = parseRefusals(stderr);
  if (refusals.length > 0) return refusals;
  throw new Error(`${program}: ${stderr.trim().replace(/\s+/g, ' ') || 'failed'}`);
}

/** Applies lines of which none may fail. */
export async function applyAll(program: 'ip' | 'bridge', lines: readonly string[]): Promise<void> {
  const [refusal] = await applyBatch(program, lines);
  if (refusal !== undefined) throw new Error(`${program} ${lines[refusal.line]}: ${refusal.reason}`);
}
