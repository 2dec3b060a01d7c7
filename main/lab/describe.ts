import type { Lab, LabFile } from '../../contract/lab.ts';
import { labFile } from '../../contract/lab.ts';
import { failure } from '../failure.ts';
import { formatLabFile } from './file/generate.ts';
import { chooseLab } from './session.ts';
import { readRecord } from './state.ts';

/** The lab file that says all that a lab has decided, its ranges too; which hosts are members of etcd is told as their number. Pure. */
export function labFileOfLab({ name, network, underlay, hosts, etcd, pods }: Lab): LabFile {
  return labFile.parse({
    name,
    network,
    underlay: { cidr: underlay.cidr, mtu: underlay.mtu },
    hosts: hosts.map((host) => ({ name: host.name, provider: host.provider })),
    etcd: { members: etcd.members.length, tls: etcd.tls },
    pods: pods.map(({ command, ...pod }) => (command === null ? pod : { ...pod, command })),
  });
}

/** The lab file (YAML) of a lab that exists. Rejects with `lab-unknown` when nothing is remembered of it. */
export async function describeLab(choice: string | undefined): Promise<{ name: string; text: string }> {
  const name = await chooseLab(choice);
  const record = await readRecord(name);
  if (record === null)
    throw failure('lab-unknown', `Nothing is remembered of lab ${name} but what has to be taken back.`, {
      hint: 'Run `flatland down` to remove it.',
    });
  return { name, text: formatLabFile(labFileOfLab(record.lab)) };
}
