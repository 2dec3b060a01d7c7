import { formatCidr } from '../../contract/ipv4.ts';
import { isMissingProgram } from './command.ts';
import { changeLinks, type Link, showLinks, showRoutes } from './ip.ts';
import { routeProtocol } from './route.ts';
import { type ChainPlace, ensureChain, forwardPlace, masqueradePlace } from './rules.ts';
import { applyTable, dropRoute } from './table.ts';

/** Whether a link is an overlay's device: `flannel.<VNI>` of vxlan, `flannel0` of udp. */
const isOverlayDevice = ({ name, kind }: Link): boolean =>
  (kind === 'vxlan' && /^flannel\.\d+$/.test(name)) || (kind === 'tun' && /^flannel\d+$/.test(name));

async function removeChain(place: ChainPlace): Promise<string[]> {
  try {
    return (await ensureChain(place, null)) === 0 ? [] : [`chain ${place.chain}`];
  } catch (error) {
    // Without iptables there can't be any rules of ours.
    if (isMissingProgram(error)) return [];
    throw error;
  }
}

/**
 * Removes what an agent of this host left in the kernel, of this life or an earlier one: routes marked as ours, the
 * overlay's devices and the chains with their jumps. Resolves to what was removed, in words. `ip_forward` stays on:
 * whether anything else on the host needs it isn't known here.
 */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = [];
  const routes = (await showRoutes()).filter(({ protocol }) => protocol === routeProtocol);
  const [refused] = (await applyTable(routes.map(dropRoute))).values();
  if (refused !== undefined) throw new Error(`a route of ours stays: ${refused}`);
  removed.push(...routes.map(({ destination }) => `route ${formatCidr(destination)}`));
  const devices = (await showLinks()).filter(isOverlayDevice);
  await changeLinks(devices.map(({ name }) => `link delete dev ${name}`));
  removed.push(...devices.map(({ name }) => `device ${name}`));
  for (const place of [masqueradePlace, forwardPlace]) removed.push(...(await removeChain(place)));
  return removed;
}
