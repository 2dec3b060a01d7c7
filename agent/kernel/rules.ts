import { type Cidr, formatCidr } from '../../contract/ipv4.ts';
import { command } from './command.ts';
import { rulesetGeneration } from './netlink/generation.ts';

/** What the rules depend on: the overlay's network, our own subnet of it, and which of the two groups are wished. */
export interface RulesWish {
  readonly network: Cidr;
  readonly subnet: Cidr;
  readonly masquerade: boolean;
  readonly forward: boolean;
  /** Random source ports when masquerading; flannel's `ip-masq-fully-random-disable` turns it off. True when left out. */
  readonly fullyRandom?: boolean;
}

/** A chain of ours in one table of iptables and the built-in chain that jumps to it. */
export interface ChainPlace {
  readonly table: 'nat' | 'filter';
  readonly builtin: string;
  readonly chain: string;
  readonly comment: string;
}

export const masqueradePlace: ChainPlace = {
  table: 'nat',
  builtin: 'POSTROUTING',
  chain: 'FLANNEL-POSTRTG',
  comment: 'flanneld masq',
};
export const forwardPlace: ChainPlace = {
  table: 'filter',
  builtin: 'FORWARD',
  chain: 'FLANNEL-FWD',
  comment: 'flanneld forward',
};

const withComment = ({ comment }: ChainPlace): string => `-m comment --comment "${comment}"`;

/**
 * flannel's masquerade rules (pkg/trafficmngr/iptables/iptables.go, masqRules), written as `iptables-save` prints them:
 * traffic within the overlay keeps its source, traffic that leaves it gets ours, and what others sent on to us is left.
 */
export function masqueradeRules({ network, subnet, fullyRandom }: RulesWish): string[] {
  const [n, s, note] = [formatCidr(network), formatCidr(subnet), withComment(masqueradePlace)];
  const masquerade = `${note} -j MASQUERADE${fullyRandom === false ? '' : ' --random-fully'}`;
  return [
    // Kubernetes' kube-proxy marks what it masquerades itself.
    `-m mark --mark 0x4000/0x4000 ${note} -j RETURN`,
    `-s ${s} -d ${n} ${note} -j RETURN`,
    `-s ${n} -d ${s} ${note} -j RETURN`,
    `! -s ${n} -d ${s} ${note} -j RETURN`,
    `-s ${n} ! -d 224.0.0.0/4 ${masquerade}`,
    `! -s ${n} -d ${n} ${masquerade}`,
  ];
}

/** flannel's forward rules (the same file, forwardRules): Docker's policy for FORWARD is DROP. */
export function forwardRules({ network }: RulesWish): string[] {
  const [n, note] = [formatCidr(network), withComment(forwardPlace)];
  return [`-s ${n} ${note} -j ACCEPT`, `-d ${n} ${note} -j ACCEPT`];
}

/** The rules of one chain in the text of `iptables-save`, without `-A <chain>`. */
const rulesOf = (saved: readonly string[], chain: string): string[] =>
  saved.filter((line) => line.startsWith(`-A ${chain} `)).map((line) => line.slice(`-A ${chain} `.length));

/** What `iptables-restore --noflush` has to be given for one chain, and how many rules were not as wished. */
export interface ChainPlan {
  readonly restore: string;
  readonly repairs: number;
}

/**
 * Compares a table as `iptables-save` printed it with the wished rules of one chain; null rules: the chain must not be.
 * Null when all is as it should be. Otherwise the chain and its jump are made anew, in one transaction of the kernel.
 */
export function planChain(
  savedText: string,
  place: ChainPlace,
  rules: readonly string[] | null,
): ChainPlan | null {
  const saved = savedText.split('\n').map((line) => line.trim());
  const { table, builtin, chain } = place;
  const exists = saved.some((line) => line.startsWith(`:${chain} `));
  const jumps = rulesOf(saved, builtin).filter((rule) => rule.split(' ').includes(chain));
  const wishedJump = `${withComment(place)} -j ${chain}`;
  const wished = rules === null ? [] : [wishedJump, ...rules];
  const present = [...jumps, ...rulesOf(saved, chain)];
  if (wished.join('\n') === present.join('\n') && exists === (rules !== null)) return null;
  const missing = wished.filter((rule) => !present.includes(rule)).length;
  const surplus = present.filter((rule) => !wished.includes(rule)).length;
  const lines = [
    `*${table}`,
    // Declaring a chain of one's own makes it, or empties it when it exists.
    `:${chain} - [0:0]`,
    ...jumps.map((jump) => `-D ${builtin} ${jump}`),
    ...(rules === null
      ? [`-X ${chain}`]
      : [`-A ${builtin} ${wishedJump}`, ...rules.map((rule) => `-A ${chain} ${rule}`)]),
    'COMMIT',
  ];
  return { restore: `${lines.join('\n')}\n`, repairs: Math.max(1, missing + surplus) };
}

/** Puts one chain and its jump right; null rules take both away. Resolves to the number of rules that were wrong. */
export async function ensureChain(place: ChainPlace, rules: readonly string[] | null): Promise<number> {
  const plan = planChain(await command('iptables-save', ['-t', place.table]), place, rules);
  if (plan === null) return 0;
  await command('iptables-restore', ['--noflush', '--wait', '5'], plan.restore);
  return plan.repairs;
}

/** What the host's iptables is like. */
interface Variant {
  /** It keeps its rules in nf_tables, whose every change the kernel counts. */
  readonly nftables: boolean;
  /** It knows `--random-fully` when masquerading, as from 1.6.2 on. */
  readonly fullyRandom: boolean;
}

/** Reads what `iptables-save --version` prints, such as `iptables-save v1.8.9 (nf_tables)`. */
export function parseVariant(text: string): Variant {
  const [major = 0, minor = 0, patch = 0] = (/ v(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  const fullyRandom = major * 10_000 + minor * 100 + patch >= 10_602;
  return { nftables: text.includes('nf_tables'), fullyRandom };
}

let variant: Promise<Variant> | null = null;

/** Asked once; an iptables that can't be asked is taken for a usual one, and what it refuses is said when it does. */
function readVariant(): Promise<Variant> {
  variant ??= command('iptables-save', ['--version']).then(parseVariant, () => ({
    nftables: false,
    fullyRandom: true,
  }));
  return variant;
}

/** The ruleset that was as wished, by the kernel's count, and the wish; null before the first time. */
let good: { readonly generation: number; readonly wish: string } | null = null;

/**
 * Makes flannel's iptables rules as wished, all of a chain anew if any differs; a group that is not wished is removed.
 * Resolves to the number of rules that were missing, changed or out of place: 0 when all was there. As long as nobody has
 * changed any rule of the host's since the last time (nf_tables only), no program runs.
 */
export async function ensureRules(wish: RulesWish): Promise<number> {
  const { nftables, fullyRandom } = await readVariant();
  // Before the check: a change that somebody makes meanwhile is seen the next time.
  const generation = nftables ? await rulesetGeneration() : null;
  const key = JSON.stringify(wish);
  if (generation !== null && good?.generation === generation && good.wish === key) return 0;
  good = null;
  const possible = { ...wish, fullyRandom: wish.fullyRandom !== false && fullyRandom };
  const masquerade = await ensureChain(masqueradePlace, wish.masquerade ? masqueradeRules(possible) : null);
  const forward = await ensureChain(forwardPlace, wish.forward ? forwardRules(wish) : null);
  const repairs = masquerade + forward;
  if (repairs === 0 && generation !== null) good = { generation, wish: key };
  return repairs;
}
