import { setMaxListeners } from 'node:events';
import type { Host, Lab, Pod } from '../../contract/lab.ts';
import type { ProbeResult, ProbeSelection, Proof } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { everyCell, type ProofPod, runProof } from '../probe/proof.ts';
import { dockerOf, listPods, type RunningPod } from '../provision/docker.ts';
import { overlayMtu } from '../provision/network-config.ts';

/** Opens, or has, the connection to a host; rejects when it is lost. */
export type Connect = (host: Host) => Promise<Connection>;

/** A host of a lab and what it runs, as it was found a moment ago; without a connection nothing is known of its pods. */
export interface FoundHost {
  readonly host: Host;
  readonly connection: Connection | null;
  readonly pods: readonly RunningPod[];
}

/** Asks hosts for their pods, side by side; one that does not answer is part of the answer. */
export function findPods(
  hosts: readonly Host[],
  connect: Connect,
  signal: AbortSignal,
): Promise<FoundHost[]> {
  // Every host's requests listen to it.
  setMaxListeners(0, signal);
  return Promise.all(
    hosts.map(async (host) => {
      const connection = await connect(host).catch(() => null);
      const pods =
        connection === null ? [] : await listPods(dockerOf(connection), host.name, signal).catch(() => []);
      return { host, connection, pods };
    }),
  );
}

/** The hosts that two ends need; all of them unless the lab file says where both ends are. */
export function hostsOfEnds(lab: Lab, from: string | null, to: string | null): readonly Host[] {
  const place = (name: string | null) =>
    lab.hosts.find((host) => host.name === name)?.name ?? lab.pods.find((pod) => pod.name === name)?.host;
  const both = [place(from), place(to)];
  return both.includes(undefined) ? lab.hosts : lab.hosts.filter(({ name }) => both.includes(name));
}

const declaredPod = (pod: Pod, found: readonly RunningPod[]): ProofPod => {
  const running = found.find(({ status }) => status.name === pod.name);
  return {
    name: pod.name,
    host: pod.host,
    address: running?.status.address ?? '',
    pid: running?.pid ?? 0,
    port: pod.ports[0] ?? 80,
  };
};

const startedPod = ({ status, pid }: RunningPod): ProofPod => ({
  name: status.name,
  host: status.host,
  address: status.address ?? '',
  pid,
  port: status.ports[0] ?? null,
});

/** The pods that a proof is about: those of the lab file, and of those that `run` started the ones that run or are named. */
export function proofPods(
  lab: Lab,
  hosts: readonly FoundHost[],
  named: readonly (string | null)[],
): ProofPod[] {
  const found = hosts.flatMap(({ pods }) => pods);
  const isDeclared = (name: string) => lab.pods.some((pod) => pod.name === name);
  const started = found.filter(
    ({ status }) => !isDeclared(status.name) && (status.state === 'running' || named.includes(status.name)),
  );
  return [
    ...lab.pods
      .filter((pod) => hosts.some(({ host }) => host.name === pod.host))
      .map((pod) => declaredPod(pod, found)),
    ...started.map(startedPod),
  ];
}

/** Rejects with `input-invalid` what no pair of ends can be: a name that is none, a host as the target, one end twice. */
export function checkEnds(lab: Lab, pods: readonly ProofPod[], from: string | null, to: string | null): void {
  const isHost = (name: string) => lab.hosts.some((host) => host.name === name);
  const isPod = (name: string) => pods.some((pod) => pod.name === name);
  const unknown = [from, to].filter((name) => name !== null && !isHost(name) && !isPod(name));
  if (unknown.length > 0) {
    const names = [...new Set(unknown)].map((name) => JSON.stringify(name)).join(' or ');
    throw failure('input-invalid', `There is no host or pod ${names} in lab ${lab.name}.`, {
      hint: 'See `flatland status` for the names of hosts and pods.',
    });
  }
  if (to !== null && isHost(to)) {
    throw failure('input-invalid', `Probes end in a pod, and ${to} is a host.`, {
      hint: 'Name one of its pods.',
    });
  }
  if (from !== null && from === to)
    throw failure('input-invalid', `Both ends are ${from}: a probe goes from one to another.`);
}

/**
 * Measures the selected cells; containers that `run` started take part while they run. With no selection only the pods of
 * the lab file do: it is what `up` promises. Rejects with `input-invalid` when a name or kind selects nothing.
 */
export async function prove(
  lab: Lab,
  connect: Connect,
  selection: ProbeSelection | null,
  onResult: (result: ProbeResult) => void,
  signal: AbortSignal,
): Promise<Proof> {
  const { from, to, kinds } = selection ?? everyCell;
  const hosts = await findPods(hostsOfEnds(lab, from, to), connect, signal);
  const all = proofPods(lab, hosts, [from, to]);
  const pods = selection === null ? all.filter(({ name }) => lab.pods.some((pod) => pod.name === name)) : all;
  checkEnds(lab, pods, from, to);
  const proof = await runProof({
    hosts: hosts.map(({ host, connection }) => ({ name: host.name, address: host.address, connection })),
    pods,
    selection: { from, to, kinds },
    overlayMtu: overlayMtu(lab.underlay.mtu, lab.network.backend),
    signal,
    onResult,
  });
  if (proof.cells === 0 && (to !== null || kinds?.length === 0)) {
    const what = kinds?.length === 0 ? 'No kind of probe is named' : `${to} serves no HTTP that is known of`;
    throw failure('input-invalid', `${what}, so there is nothing to measure.`);
  }
  return proof;
}
