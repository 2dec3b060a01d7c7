import { formatDockerOptions } from '../../agent/docker-options.ts';
import { formatScriptOutput, parseScriptOptions, parseVariables } from '../../agent/docker-options-script.ts';
import { parseState } from '../../agent/saved-state.ts';
import { bridgeAddress, formatSubnetFile, parseSubnetFile } from '../../agent/subnet-file.ts';
import { cidrSize, formatCidr } from '../../contract/ipv4.ts';
import { mutateText } from './mutate.ts';
import type { Random } from './random.ts';
import { hold, type Target } from './target.ts';

/* What an earlier life, an operator or a full disk may have left in files. */

const backends = [
  '{"type":"vxlan","vni":1,"port":0,"gbp":false,"learning":false,"directRouting":false,"mtu":null}',
  '{"type":"udp","port":8285}',
  '{"type":"host-gw"}',
  '{"type":"alloc"}',
] as const;
const stateOf = (backend: string): string =>
  `{"version":1,"prefix":"/coreos.com/network","config":{"network":{"base":172818432,"length":16},"subnetLength":24,"subnetMin":172818688,"subnetMax":172883712,"backend":${backend}},"external":{"name":"eth0","index":2,"mtu":1500,"address":3232248331,"publicIp":3232248331},"subnet":{"base":172818688,"length":24},"leaseId":"7587869","expiresAt":"2026-11-25T10:00:00.000Z","leases":[{"subnet":{"base":172818944,"length":24},"publicIp":3232248332,"backendType":"vxlan","backendData":{"VNI":1,"VtepMAC":"be:94:88:dc:fb:3d"}},{"subnet":{"base":172819200,"length":24},"publicIp":3232248333,"backendType":"udp"}]}`;
const stateWords = [
  '"version":1',
  '"leases":[]',
  'null',
  '-1',
  '1e99',
  '4294967296',
  '"base":',
  '"length":33',
] as const;

const savedState: Target = {
  name: 'saved-state',
  feed(random) {
    const text = mutateText(random, stateOf(random.pick(backends)), stateWords);
    const state = parseState(text);
    if (state === null) return;
    const { config, subnet, external, leases } = state;
    for (const { base, length } of [subnet, config.network, ...leases.map((lease) => lease.subnet)])
      hold(length >= 0 && length <= 32 && base % cidrSize({ base, length }) === 0, 'a range is aligned');
    for (const address of [external.address, external.publicIp, ...leases.map(({ publicIp }) => publicIp)])
      hold(address >= 0 && address <= 0xffffffff, 'an address');
    hold(external.mtu > 0 && external.mtu < 2 ** 31, 'an MTU');
    const { backend } = config;
    if (backend.type === 'vxlan') hold(backend.vni >= 0 && backend.vni < 2 ** 24, 'a VNI');
    const again = parseState(JSON.stringify(state));
    hold(JSON.stringify(again) === JSON.stringify(state), 'what is written is read back');
  },
};

const allotmentOf = (random: Random) => {
  const length = random.between(8, 30);
  const address = random.word();
  const size = 2 ** (32 - length);
  const range = { base: address - (address % size), length };
  return { network: range, subnet: range, mtu: random.between(68, 65535), masquerade: random.chance(0.5) };
};
const variableWords = [
  'FLANNEL_SUBNET=',
  'FLANNEL_IPMASQ=',
  'true',
  'export ',
  '10.77.94.1/24',
  '"',
  '\n',
] as const;

const subnetFile: Target = {
  name: 'subnet-file',
  feed(random) {
    const allotment = allotmentOf(random);
    const text = formatSubnetFile(allotment);
    const read = parseSubnetFile(text);
    hold(read !== null && formatCidr(read) === formatCidr(allotment.subnet), 'what is written is read back');
    const subnet = parseSubnetFile(mutateText(random, text, variableWords));
    hold(subnet === null || subnet.base % cidrSize(subnet) === 0, 'an aligned subnet');
    if (subnet !== null) bridgeAddress(subnet);
  },
};

const flags = [
  '-f',
  '-d',
  '-i',
  '-c',
  '-m',
  '-k',
  '-ic',
  '-kNAME',
  '-k',
  'A B',
  '--',
  '-',
  '-x',
  '-f/x',
  '',
] as const;

const dockerOptions: Target = {
  name: 'docker-options',
  feed(random) {
    const args = Array.from({ length: random.below(6) }, () => random.pick(flags));
    const options = parseScriptOptions(args);
    if (options === null) return;
    const allotment = allotmentOf(random);
    const text = formatSubnetFile(allotment);
    if (args.length === 0)
      hold(
        formatScriptOutput(parseVariables(text), options) === formatDockerOptions(allotment),
        'script and agent say the same',
      );
    const variables = parseVariables(mutateText(random, text, variableWords));
    let output = '';
    try {
      output = formatScriptOutput(variables, options);
    } catch (error) {
      // The one failure that it has.
      hold(
        error instanceof Error && error.message.startsWith('Invalid value of FLANNEL_IPMASQ: '),
        `it threw ${String(error)}`,
      );
    }
    for (const line of output.split('\n'))
      hold(/^([A-Za-z_]\w*="[^"]*")?$/.test(line), `a line is an assignment: ${JSON.stringify(line)}`);
  },
};

export const fileTargets: readonly Target[] = [savedState, subnetFile, dockerOptions];
