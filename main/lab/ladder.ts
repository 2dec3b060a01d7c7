import type { Lab } from '../../contract/lab.ts';
import type { LadderRung, MtuLadder, ProbeEnd } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import { climb, firstSizes, largestPassed } from '../probe/ladder.ts';
import type { ProofPod } from '../probe/proof.ts';
import { backendHeaders, overlayMtu } from '../provision/network-config.ts';
import { within } from './deadline.ts';
import { type Connect, checkEnds, findPods, hostsOfEnds, proofPods } from './prove.ts';

const deadlineSeconds = 20;

function mustRun({ name, address, pid }: ProofPod): void {
  if (address !== '' && pid > 0) return;
  throw failure('pod-failed', `Pod ${name} does not run.`, {
    hint: 'Start it, or see `flatland status` for what its host says.',
  });
}

const podEnd = ({ name, host, address }: ProofPod): ProbeEnd => ({ kind: 'pod', name, host, address });

/**
 * Finds the path MTU from a pod or host to a pod by trying sizes with DF set, as the source itself would send them; `sink`
 * gets the ladder as it grows. Packets between pods of one host have no header of the backend. Rejects with `input-invalid`
 * for names that are no such pair, `host-lost`, `pod-failed` when an end does not run, or `deadline-passed`.
 */
export function measureLadder(
  lab: Lab,
  connect: Connect,
  { from, to }: { readonly from: string; readonly to: string },
  sink: (ladder: MtuLadder) => void,
  signal: AbortSignal,
): Promise<MtuLadder> {
  return within(deadlineSeconds, `the MTU ladder from ${from} to ${to}`, signal, async (either) => {
    const hosts = await findPods(hostsOfEnds(lab, from, to), connect, either);
    const pods = proofPods(lab, hosts, [from, to]);
    checkEnds(lab, pods, from, to);
    const sourcePod = pods.find(({ name }) => name === from) ?? null;
    const target = pods.find(({ name }) => name === to);
    const source = hosts.find(({ host }) => host.name === (sourcePod?.host ?? from));
    if (target === undefined || source === undefined) throw new Error('an end that was checked is not there');
    const connection = source.connection ?? (await connect(source.host));
    // A host that is lost says so itself, rather than that its pod does not run.
    const lost = hosts.find(({ host, connection: open }) => host.name === target.host && open === null);
    if (lost !== undefined) await connect(lost.host);
    if (sourcePod !== null) mustRun(sourcePod);
    mustRun(target);

    const { backend } = lab.network;
    const expectedMtu = overlayMtu(lab.underlay.mtu, backend);
    const ladderOf = (rungs: readonly LadderRung[]): MtuLadder => ({
      at: new Date().toISOString(),
      from:
        sourcePod === null
          ? { kind: 'host', name: from, host: from, address: source.host.address }
          : podEnd(sourcePod),
      to: podEnd(target),
      backend: backend.type,
      underlayMtu: lab.underlay.mtu,
      expectedMtu,
      largest: largestPassed(rungs),
      headers: source.host.name === target.host ? [] : backendHeaders(backend),
      rungs: [...rungs],
    });
    const rungs = await climb({
      connection,
      source: { pid: sourcePod?.pid ?? null },
      address: target.address,
      sizes: firstSizes(expectedMtu, lab.underlay.mtu),
      signal: either,
      onRungs: (grown) => {
        if (!either.aborted) sink(ladderOf(grown));
      },
    });
    return ladderOf(rungs);
  });
}
