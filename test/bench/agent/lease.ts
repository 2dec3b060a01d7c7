import { z } from 'zod';
import { address, type Path } from './network.ts';
import { startHelper } from './processes.ts';
import { quantile } from './traffic.ts';

/** Subnets 10.5.128.0/24 and up are of no host; the second host answers for all their addresses. */
const firstSubnet = 128;

export interface LeaseTimes {
  readonly p50: number;
  readonly p99: number;
  readonly missed: number;
  readonly count: number;
}

/** The value of a lease that leads to the second host. */
function leaseValue({ kind, hosts }: Path): string {
  const attributes = { PublicIP: address(2), PublicIPv6: null };
  if (kind !== 'vxlan') return JSON.stringify({ ...attributes, BackendType: kind });
  const mac = /link\/ether (\S+)/.exec(hosts[1].sh('ip -o link show flannel.1'))?.[1] ?? '';
  return JSON.stringify({
    ...attributes,
    BackendType: kind,
    BackendData: { VNI: 1, VtepMAC: mac },
  });
}

/** Milliseconds from before the put of a lease to the arrival of the first packet sent to its subnet. */
export async function measureLeases(path: Path, count: number): Promise<LeaseTimes> {
  const [first, second] = path.hosts;
  second.sh('ip route add local 10.5.128.0/17 dev lo');
  const answering = startHelper(second, 'answer');
  const { output } = startHelper(first, 'lease', path.endpoint, leaseValue(path), firstSubnet, count);
  const times = z.array(z.number().nullable()).parse(JSON.parse(await output));
  answering.child.stdin?.end();
  second.sh('ip route del local 10.5.128.0/17 dev lo');
  const arrived = times.filter((time) => time !== null);
  return {
    p50: quantile(arrived, 0.5),
    p99: quantile(arrived, 0.99),
    missed: times.length - arrived.length,
    count,
  };
}
