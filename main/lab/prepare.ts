import { availableParallelism } from 'node:os';
import type { Lab } from '../../contract/lab.ts';
import type { LabSource, PlanResult } from '../../contract/request.ts';
import { machineLink } from '../host/sandbox/paths.ts';
import { checkMachine } from '../host/sandbox/sandbox.ts';
import { labDifference } from './file/difference.ts';
import { generateLabFile } from './file/generate.ts';
import { parseLabFile } from './file/parse.ts';
import { resolveLab } from './file/resolve.ts';
import { machineRanges } from './file/routes.ts';
import { expectedSeconds, noUpkeep, planUp, type TypedStep, type Upkeep } from './plan.ts';
import { type LabRecord, labIdentifier, otherLabs, readRecord } from './state.ts';

/** Everything that `up` decided before it touched anything. */
export interface Prepared {
  readonly lab: Lab;
  readonly previous: LabRecord | null;
  readonly upkeep: Upkeep;
  readonly steps: readonly TypedStep[];
  /** What changed belongs to the hosts from their beginning, so they are removed first. */
  readonly rebuild: boolean;
}

/** The lab file that a source means. */
export function labFileOf(source: LabSource) {
  if (source.kind === 'generated') return generateLabFile(source);
  const file = parseLabFile(source.path, source.text);
  return source.name === undefined ? file : { ...file, name: source.name };
}

/** Ranges in use on this machine and by other labs; this lab's own are not in its way. */
async function takenRanges(name: string) {
  const [labs, machine] = await Promise.all([otherLabs(name), machineRanges()]);
  // The links of labs are named by their owners above all, not as interfaces.
  const links = [labIdentifier(name), ...labs.map(({ id }) => id)].map(machineLink);
  return [
    ...labs.flatMap((lab) => [
      { cidr: lab.underlay.cidr, owner: `the underlay of lab ${lab.name}` },
      { cidr: lab.network.cidr, owner: `the overlay of lab ${lab.name}` },
    ]),
    ...machine.filter(({ owner }) => !links.some((link) => owner.includes(link))),
  ];
}

function upkeepOf(base: Lab, lab: Lab, running: boolean): Upkeep {
  const difference = labDifference(base, lab);
  const stays = (host: string) => !difference.hostsRemoved.includes(host);
  const removed = base.pods.filter(({ name, host }) => {
    const next = lab.pods.find((pod) => pod.name === name);
    return stays(host) && (next === undefined || next.host !== host);
  });
  return {
    hostsRemoved: difference.hostsRemoved,
    podsRemoved: removed.map(({ name, host }) => ({ name, host })),
    etcdLeaving: running ? difference.etcdMembersRemoved : [],
    etcdJoining: running ? difference.etcdMembersAdded : [],
  };
}

/** Decides everything and checks that the machine can do it; touches nothing. Rejects with a `Failure` that says why not. */
export async function prepare(source: LabSource): Promise<Prepared> {
  const file = labFileOf(source);
  const [taken, previous] = await Promise.all([
    takenRanges(file.name),
    readRecord(file.name),
    checkMachine(file.hosts.length),
  ]);
  const lab = resolveLab({ file, id: labIdentifier(file.name), taken, previous: previous?.lab ?? null });
  const base = previous === null ? null : (previous.applied ?? previous.lab);
  if (base === null) return { lab, previous, upkeep: noUpkeep, steps: planUp(lab, noUpkeep), rebuild: false };
  const { hostsRebuilt, etcdRebuilt } = labDifference(base, lab);
  const kept = base.etcd.members.some((name) => lab.etcd.members.includes(name));
  const rebuild = hostsRebuilt.length > 0 || etcdRebuilt || !kept;
  const upkeep = rebuild ? noUpkeep : upkeepOf(base, lab, previous?.applied !== null);
  return { lab, previous, upkeep, steps: planUp(lab, upkeep), rebuild };
}

/** A step as the doors see it. */
export const withoutWork = ({ work: _, ...step }: TypedStep) => step;

/** Memory and disk of one host with two pods in MiB, as `npm run bench -- lab` measures them. */
const hostCost = { memory: 170, disk: 12 };

/** What `up` would do and cost. */
export async function planOf(source: LabSource): Promise<PlanResult> {
  const { lab, steps, rebuild } = await prepare(source);
  return {
    lab: lab.name,
    steps: steps.map(withoutWork),
    notices: rebuild ? [rebuildNotice] : [],
    cost: {
      seconds: Math.round(expectedSeconds(steps, availableParallelism()) * 10) / 10,
      memoryMebibytes: lab.hosts.length * hostCost.memory,
      diskMebibytes: lab.hosts.length * hostCost.disk,
    },
  };
}

export const rebuildNotice =
  'All hosts are rebuilt: what changed in the lab file is theirs from the beginning.';
