import { availableParallelism } from 'node:os';
import { type Lab, type LabFile, labFile } from '../../contract/lab.ts';
import type { LabSource, PlanResult } from '../../contract/request.ts';
import { failure } from '../failure.ts';
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
export function labFileOf(source: LabSource): LabFile {
  if (source.kind === 'generated') return generateLabFile(source);
  const file = parseLabFile(source.path, source.text);
  if (source.name === undefined) return file;
  const name = labFile.shape.name.safeParse(source.name);
  if (name.success) return { ...file, name: name.data };
  throw failure('input-invalid', `The name ${JSON.stringify(source.name)} ${name.error.issues[0]?.message}.`);
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

const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

/**
 * How the lab that a record tells of becomes another: hosts, pods and members that go, members that join; or all of it is
 * rebuilt, as what changed belongs to the hosts from their beginning. After an `up` that did not end, what it began may
 * be there beside what was complete before it, so both count. Pure.
 */
export function changeOf(previous: LabRecord, lab: Lab): { upkeep: Upkeep; rebuild: boolean } {
  const { applied } = previous;
  const bases = applied === null ? [previous.lab] : [applied, previous.lab];
  const differences = bases.map((base) => labDifference(base, lab));
  const hostsRemoved = union(differences.map((difference) => difference.hostsRemoved));
  const leaving = union(differences.map((difference) => difference.etcdMembersRemoved));
  const joining = labDifference(applied ?? previous.lab, lab).etcdMembersAdded;
  const rebuild =
    differences.some(({ hostsRebuilt, etcdRebuilt }) => hostsRebuilt.length > 0 || etcdRebuilt) ||
    !(applied ?? previous.lab).etcd.members.some((name) => lab.etcd.members.includes(name)) ||
    // Members that were founded together but never complete cannot be counted on to let others in or go.
    (applied === null && leaving.length + joining.length > 0);
  if (rebuild) return { upkeep: noUpkeep, rebuild };
  const removed = bases
    .flatMap(({ pods }) => pods)
    .filter(({ name, host }, index, all) => {
      const next = lab.pods.find((pod) => pod.name === name);
      const first = all.findIndex((pod) => pod.name === name && pod.host === host);
      return first === index && !hostsRemoved.includes(host) && next?.host !== host;
    });
  return {
    upkeep: {
      hostsRemoved,
      podsRemoved: removed.map(({ name, host }) => ({ name, host })),
      etcdLeaving: leaving,
      etcdJoining: joining,
    },
    rebuild,
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
  const { upkeep, rebuild } =
    previous === null ? { upkeep: noUpkeep, rebuild: false } : changeOf(previous, lab);
  return { lab, previous, upkeep, steps: planUp(lab, upkeep), rebuild };
}

/** A step as the doors see it. */
export const withoutWork = ({ work: _, ...step }: TypedStep) => step;

/** One host with two pods, in MiB: memory as `npm run bench -- lab` measures it, disk as a rough estimate. */
const hostCost = { memory: 90, disk: 12 };

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
