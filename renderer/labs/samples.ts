import fiveHostsHostGateway from '../../resources/labs/five-hosts-host-gw.yaml?raw';
import oneHost from '../../resources/labs/one-host.yaml?raw';
import threeHosts from '../../resources/labs/three-hosts.yaml?raw';
import threeHostsUdp from '../../resources/labs/three-hosts-udp.yaml?raw';

/** A lab file that comes with Flatland. */
export interface Sample {
  readonly id: string;
  readonly title: string;
  readonly sentence: string;
  readonly text: string;
}

/** The `$schema` line leads to a file that lies beside a sample on disk, not beside a text in an editor. */
const withoutSchema = (text: string) => text.replace(/^# yaml-language-server:.*\n/, '');

export const samples: readonly Sample[] = [
  {
    id: 'three-hosts',
    title: 'Three hosts, VXLAN',
    sentence: 'The usual lab: two pods a host, packets in VXLAN.',
    text: withoutSchema(threeHosts),
  },
  {
    id: 'three-hosts-udp',
    title: 'Three hosts, UDP',
    sentence: 'flannel’s oldest backend: every packet through flannel0.',
    text: withoutSchema(threeHostsUdp),
  },
  {
    id: 'five-hosts-host-gw',
    title: 'Five hosts, host-gw',
    sentence: 'Plain routes instead of a tunnel, so pods have the whole MTU.',
    text: withoutSchema(fiveHostsHostGateway),
  },
  {
    id: 'one-host',
    title: 'One host',
    sentence: 'The smallest lab: two pods that meet on docker0.',
    text: withoutSchema(oneHost),
  },
];
