import { parseIpv4 } from '../contract/ipv4.ts';

/**
 * flanneld's options (flannel's main.go) and ours, after flags, `FLANNELD_*` variables and defaults are put
 * together.
 */
export interface Options {
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdKeyfile: string;
  readonly etcdCertfile: string;
  readonly etcdCafile: string;
  readonly etcdUsername: string;
  readonly etcdPassword: string;
  readonly iface: readonly string[];
  readonly ifaceRegex: readonly string[];
  readonly ifaceCanReach: string | null;
  readonly publicIp: string | null;
  readonly subnetFile: string;
  readonly renewMarginMinutes: number;
  readonly ipMasq: boolean;
  readonly ipMasqFullyRandom: boolean;
  readonly resyncSeconds: number;
  readonly forwardRules: boolean;
  readonly blackholeRoute: boolean;
  readonly healthzIp: string;
  /** 0: none. */
  readonly healthzPort: number;
  /** What flannel's mk-docker-opts.sh would write is written here; null: nowhere. */
  readonly dockerOptionsFile: string | null;
  readonly statusSocket: string | null;
}

export type Command =
  | { readonly kind: 'run'; readonly options: Options; readonly warnings: readonly string[] }
  | { readonly kind: 'cleanup'; readonly subnetFile: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly text: string }
  /** `exit` is 2 for the command line, as Go's flag package has it, and 1 for what flanneld itself refuses. */
  | { readonly kind: 'refused'; readonly message: string; readonly exit: 1 | 2 };

interface Flag {
  readonly kind: 'text' | 'flag' | 'number';
  /** What it is without being given; for a repeatable flag always ''. */
  readonly usual: string;
  readonly repeatable?: true;
  readonly help: string;
}

const text = (usual: string, help: string): Flag => ({ kind: 'text', usual, help });
const many = (help: string): Flag => ({ kind: 'text', usual: '', repeatable: true, help });
const flag = (usual: 'true' | 'false', help: string): Flag => ({ kind: 'flag', usual, help });
const number = (usual: string, help: string): Flag => ({ kind: 'number', usual, help });

const flags = {
  'etcd-endpoints': text(
    'http://127.0.0.1:4001,http://127.0.0.1:2379',
    'etcd endpoints, separated by commas',
  ),
  'etcd-prefix': text('/coreos.com/network', 'etcd prefix'),
  'etcd-keyfile': text('', "key of the client's certificate for etcd"),
  'etcd-certfile': text('', "client's certificate for etcd"),
  'etcd-cafile': text('', "certificate authority of etcd; counts only with the client's certificate and key"),
  'etcd-username': text('', 'user name for etcd'),
  'etcd-password': text('', 'password for etcd'),
  iface: many('interface (name or IPv4 address) between hosts; the first that exists is taken'),
  'iface-regex': many('regular expression for the interface between hosts'),
  'iface-can-reach': text('', 'take the interface by which this IPv4 address is reached'),
  'public-ip': text('', 'IPv4 address at which other hosts reach this one'),
  'subnet-file': text('/run/flannel/subnet.env', 'file that says which subnet was leased'),
  'subnet-lease-renew-margin': number('60', 'minutes before its end at which a lease is renewed, 1 to 1439'),
  'ip-masq': flag('false', 'masquerade what leaves the overlay'),
  'ip-masq-fully-random-disable': flag('false', 'masquerade without fully random source ports'),
  'iptables-resync': number('5', 'seconds between checks of the iptables rules and of the overlay'),
  'iptables-forward-rules': flag('true', 'add rules that let the FORWARD chain accept the overlay'),
  'ip-blackhole-route': flag('false', 'drop packets to addresses of our own subnet that nothing here has'),
  'healthz-ip': text('0.0.0.0', 'address for /healthz, /readyz and /metrics'),
  'healthz-port': number('0', 'port for /healthz, /readyz and /metrics; 0: none'),
  'docker-options-file': text('', 'file for what mk-docker-opts.sh of flannel would write'),
  'status-socket': text('', 'Unix socket that serves the status of the agent'),
  version: flag('false', 'print the version and exit'),
  v: number('0', "taken for flanneld's sake; does nothing"),
  'kube-subnet-mgr': flag('false', "taken for flanneld's sake; must be false"),
  logtostderr: flag('true', "taken for flanneld's sake; does nothing"),
  alsologtostderr: flag('false', "taken for flanneld's sake; does nothing"),
  stderrthreshold: text('', "taken for flanneld's sake; does nothing"),
  vmodule: text('', "taken for flanneld's sake; does nothing"),
  log_dir: text('', "taken for flanneld's sake; does nothing"),
} satisfies Record<string, Flag>;
type Name = keyof typeof flags;

const isName = (name: string): name is Name => Object.hasOwn(flags, name);
const flagOf = (name: Name): Flag => flags[name];

class Refusal extends Error {
  readonly exit: 1 | 2;
  constructor(message: string, exit: 1 | 2) {
    super(message);
    this.exit = exit;
  }
}

/** What Go's strconv.ParseBool takes. */
function parseFlag(given: string): boolean | null {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(given)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(given)) return false;
  return null;
}

const parseNumber = (given: string): number | null => (/^[+-]?\d{1,9}$/.test(given) ? Number(given) : null);

const isValid = ({ kind }: Flag, given: string): boolean =>
  kind === 'text' || (kind === 'flag' ? parseFlag(given) !== null : parseNumber(given) !== null);

interface Given {
  readonly values: ReadonlyMap<Name, readonly string[]>;
  readonly rest: readonly string[];
}

/**
 * Takes flags until the first argument that is none, as Go's flag package does: one dash or two, `=value` or
 * `value`.
 */
function readFlags(args: readonly string[]): Given | 'help' {
  const values = new Map<Name, string[]>();
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === '--') return { values, rest: args.slice(index + 1) };
    if (!arg.startsWith('-') || arg === '-') return { values, rest: args.slice(index) };
    const body = arg.replace(/^--?/, '');
    const [, name = '', , given] = /^([^=]*)(=(.*))?$/s.exec(body) ?? [];
    if (name === '' || name.startsWith('-')) throw new Refusal(`bad flag syntax: ${arg}`, 2);
    if (name === 'help' || name === 'h') return 'help';
    if (!isName(name)) throw new Refusal(`flag provided but not defined: -${name}`, 2);
    const definition = flagOf(name);
    let value = given;
    if (value === undefined && definition.kind === 'flag') value = 'true';
    if (value === undefined) {
      index += 1;
      value = args[index];
    }
    if (value === undefined) throw new Refusal(`flag needs an argument: -${name}`, 2);
    if (!isValid(definition, value))
      throw new Refusal(`invalid value ${JSON.stringify(value)} for flag -${name}`, 2);
    const before = definition.repeatable === true ? (values.get(name) ?? []) : [];
    values.set(name, [...before, value]);
  }
  return { values, rest: [] };
}

const variableOf = (name: Name): string => `FLANNELD_${name.replaceAll('-', '_').toUpperCase()}`;

/**
 * The values of all flags: from the command line, else from the environment (an empty variable is none), else as
 * usual.
 */
function resolve(given: ReadonlyMap<Name, readonly string[]>, environment: NodeJS.ProcessEnv) {
  const all = (name: Name): readonly string[] => {
    const fromFlags = given.get(name);
    if (fromFlags !== undefined) return fromFlags;
    const variable = environment[variableOf(name)];
    const definition = flagOf(name);
    if (variable === undefined || variable === '')
      return definition.repeatable === true ? [] : [definition.usual];
    if (!isValid(definition, variable))
      throw new Refusal(`invalid value ${JSON.stringify(variable)} for ${variableOf(name)}`, 1);
    return [variable];
  };
  const one = (name: Name): string => all(name)[0] ?? '';
  return {
    all,
    text: one,
    optional: (name: Name): string | null => one(name) || null,
    flag: (name: Name): boolean => parseFlag(one(name)) ?? false,
    number(name: Name, least: number, most: number): number {
      const value = parseNumber(one(name)) ?? 0;
      if (value >= least && value <= most) return value;
      throw new Refusal(`${name} must be from ${least} to ${most}, not ${value}`, 1);
    },
  };
}

function usage(): string {
  const lines = Object.entries<Flag>(flags).map(([name, { usual, help }]) => {
    const otherwise = usual === '' ? '' : ` (default ${usual})`;
    return `  -${name}\n        ${help}${otherwise}\n`;
  });
  return [
    'Usage: agent [flags]          leases a subnet and programs the overlay, as flanneld does\n',
    '       agent cleanup          removes what an agent left in the kernel\n',
    '       agent mk-docker-opts   writes options for Docker, as mk-docker-opts.sh of flannel does\n\n',
    ...lines,
  ].join('');
}

/** Parses the command line and the environment. Never throws: what can't be used is refused in one line. */
export function parseCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  try {
    const given = readFlags(args);
    if (given === 'help') return { kind: 'help', text: usage() };
    const [command, ...surplus] = given.rest;
    if (command !== undefined && (command !== 'cleanup' || surplus.length > 0))
      throw new Refusal(`unexpected argument: ${given.rest.join(' ')}`, 2);
    const value = resolve(given.values, environment);
    if (value.flag('version')) return { kind: 'version' };
    if (command === 'cleanup') return { kind: 'cleanup', subnetFile: value.text('subnet-file') };
    if (value.flag('kube-subnet-mgr'))
      throw new Refusal('kube-subnet-mgr is not supported: this agent leases from etcd', 1);
    const endpoints = value.text('etcd-endpoints').split(',').filter(Boolean);
    if (endpoints.length === 0) throw new Refusal('etcd-endpoints names no endpoint', 1);
    const secure = endpoints.filter((endpoint) => endpoint.startsWith('https://')).length;
    if (secure > 0 && secure < endpoints.length)
      throw new Refusal('etcd-endpoints must be all http or all https', 1);
    const keyfile = value.text('etcd-keyfile');
    const certfile = value.text('etcd-certfile');
    const warnings =
      keyfile !== '' && certfile !== '' && secure === 0
        ? ["the client's certificate for etcd is not used: the endpoints are http"]
        : value.text('etcd-cafile') !== '' && (keyfile === '' || certfile === '')
          ? ['etcd-cafile is ignored without etcd-certfile and etcd-keyfile, as flanneld does']
          : [];
    const address = (name: Name): string | null => {
      const given = value.optional(name);
      if (given === null || parseIpv4(given) !== null) return given;
      throw new Refusal(`${name} must be an IPv4 address, not ${JSON.stringify(given)}`, 1);
    };
    return {
      kind: 'run',
      warnings,
      options: {
        etcdEndpoints: endpoints,
        etcdPrefix: value.text('etcd-prefix'),
        etcdKeyfile: keyfile,
        etcdCertfile: certfile,
        etcdCafile: value.text('etcd-cafile'),
        etcdUsername: value.text('etcd-username'),
        etcdPassword: value.text('etcd-password'),
        iface: value.all('iface'),
        ifaceRegex: value.all('iface-regex'),
        ifaceCanReach: address('iface-can-reach'),
        publicIp: address('public-ip'),
        subnetFile: value.text('subnet-file'),
        renewMarginMinutes: value.number('subnet-lease-renew-margin', 1, 24 * 60 - 1),
        ipMasq: value.flag('ip-masq'),
        ipMasqFullyRandom: !value.flag('ip-masq-fully-random-disable'),
        resyncSeconds: value.number('iptables-resync', 1, 24 * 60 * 60),
        forwardRules: value.flag('iptables-forward-rules'),
        blackholeRoute: value.flag('ip-blackhole-route'),
        healthzIp: value.text('healthz-ip'),
        healthzPort: value.number('healthz-port', 0, 65535),
        dockerOptionsFile: value.optional('docker-options-file'),
        statusSocket: value.optional('status-socket'),
      },
    };
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', message: error.message, exit: error.exit };
    throw error;
  }
}
