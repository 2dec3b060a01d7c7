import { readFile } from 'node:fs/promises';
import { type Cidr, parseCidr } from '../contract/ipv4.ts';
import { showRoutes } from './kernel/ip.ts';
import { reasonOf } from './reason.ts';
import { writeWhole } from './write-file.ts';

/** The flags of flannel's mk-docker-opts.sh. */
interface ScriptOptions {
  readonly subnetFile: string;
  readonly dockerFile: string;
  readonly single: boolean;
  readonly combined: boolean;
  readonly key: string;
  readonly masquerade: boolean;
}

const scriptUsage = `mk-docker-opts [-f FILE] [-d FILE] [-i] [-c] [-m] [-k KEY]
  -f  flannel's environment file (default /run/flannel/subnet.env)
  -d  Docker's environment file to write (default /run/docker_opts.env)
  -i  write each option as a variable of its own
  -c  write all options as one variable
  -k  name of that variable (default DOCKER_OPTS)
  -m  leave --ip-masq out
`;

/** Reads flags as getopts does: `-ic`, `-fFILE` and `-f FILE`. Null for what the script answers with its usage. */
export function parseScriptOptions(args: readonly string[]): ScriptOptions | null {
  const values = { f: '/run/flannel/subnet.env', d: '/run/docker_opts.env', k: 'DOCKER_OPTS' };
  const given = new Set<string>();
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === '--' || arg === '-' || !arg.startsWith('-')) break;
    for (let at = 1; at < arg.length; at += 1) {
      const letter = arg[at] ?? '';
      if (letter === 'f' || letter === 'd' || letter === 'k') {
        const attached = arg.slice(at + 1);
        if (attached === '') index += 1;
        const value = attached === '' ? args[index] : attached;
        if (value === undefined) return null;
        values[letter] = value;
        break;
      }
      if (letter !== 'i' && letter !== 'c' && letter !== 'm') return null;
      given.add(letter);
    }
  }
  // The name of a variable goes into a file that a shell reads.
  if (!/^[A-Za-z_]\w*$/.test(values.k)) return null;
  const neither = !given.has('i') && !given.has('c');
  return {
    subnetFile: values.f,
    dockerFile: values.d,
    key: values.k,
    single: neither || given.has('i'),
    combined: neither || given.has('c'),
    masquerade: !given.has('m'),
  };
}

/** The variables of a `subnet.env`, as a shell would have them; what is no plain assignment is passed over. */
export function parseVariables(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*(?:export\s+)?(\w+)=["']?([^"']*?)["']?\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}

/** The text for Docker, byte for byte as the script's. Throws for a FLANNEL_IPMASQ that is no truth value. */
export function formatScriptOutput(variables: ReadonlyMap<string, string>, options: ScriptOptions): string {
  const subnet = variables.get('FLANNEL_SUBNET') ?? '';
  const masquerade = variables.get('FLANNEL_IPMASQ') ?? '';
  const mtu = variables.get('FLANNEL_MTU') ?? '';
  const found: [name: string, value: string][] = [];
  if (subnet !== '') found.push(['DOCKER_OPT_BIP', `--bip=${subnet}`]);
  if (masquerade !== '' && options.masquerade) {
    if (masquerade !== 'true' && masquerade !== 'false')
      throw new Error(`Invalid value of FLANNEL_IPMASQ: ${masquerade}`);
    found.push(['DOCKER_OPT_IPMASQ', `--ip-masq=${masquerade === 'false'}`]);
  }
  if (mtu !== '') found.push(['DOCKER_OPT_MTU', `--mtu=${mtu}`]);
  const single = options.single ? found.map(([name, value]) => `${name}="${value}"\n`) : [];
  const all = found.map(([, value]) => ` ${value}`).join('');
  return single.join('') + (options.combined ? `${options.key}="${all}"\n` : '');
}

async function isRoutedElsewhere(subnet: Cidr | null): Promise<boolean> {
  if (subnet === null) return false;
  const routes = await showRoutes();
  return routes.some(
    ({ destination, gateway }) =>
      gateway !== null && destination.base === subnet.base && destination.length === subnet.length,
  );
}

/** Does what mk-docker-opts.sh does; resolves to its exit code. */
export async function makeDockerOptions(
  args: readonly string[],
  say: (text: string) => void,
): Promise<0 | 1> {
  const options = parseScriptOptions(args);
  if (options === null) {
    say(scriptUsage);
    return 1;
  }
  try {
    // Like the script: without the file there is nothing to say, which is no failure.
    const variables = parseVariables(await readFile(options.subnetFile, 'utf8').catch(() => ''));
    const subnet = variables.get('FLANNEL_SUBNET') ?? '';
    if (await isRoutedElsewhere(parseCidr(subnet))) {
      say(`there is a route to ${subnet} through another host\n`);
      return 1;
    }
    await writeWhole(options.dockerFile, formatScriptOutput(variables, options));
    return 0;
  } catch (error) {
    say(`${reasonOf(error)}\n`);
    return 1;
  }
}
