import { type Allotment, bridgeAddress } from './subnet-file.ts';

/**
 * What flannel's mk-docker-opts.sh writes. Docker masquerades exactly when the agent does not: twice would hide pods
 * behind their host, never would cut them off from the world.
 */
export function formatDockerOptions({ subnet, mtu, masquerade }: Allotment): string {
  const bridge = `--bip=${bridgeAddress(subnet)}`;
  const masq = `--ip-masq=${!masquerade}`;
  const size = `--mtu=${mtu}`;
  return [
    `DOCKER_OPT_BIP="${bridge}"`,
    `DOCKER_OPT_IPMASQ="${masq}"`,
    `DOCKER_OPT_MTU="${size}"`,
    // The script puts a space before every option, and its users' files have it.
    `DOCKER_OPTS=" ${bridge} ${masq} ${size}"`,
    '',
  ].join('\n');
}
