import type { PlannedStep } from '../../contract/event.ts';
import type { Lab } from '../../contract/lab.ts';
import type { Change } from './ledger.ts';

/** What one step does. The names of hosts and pods are looked up in the lab when the step runs. */
export type Work =
  | { readonly kind: 'underlay' }
  | { readonly kind: 'boot'; readonly host: string }
  | { readonly kind: 'place'; readonly host: string }
  | { readonly kind: 'etcd-leave'; readonly hosts: readonly string[] }
  | { readonly kind: 'etcd'; readonly host: string; readonly joins: boolean }
  | { readonly kind: 'network' }
  | { readonly kind: 'agent'; readonly host: string }
  | { readonly kind: 'docker'; readonly host: string }
  | { readonly kind: 'image'; readonly host: string; readonly image: string }
  | { readonly kind: 'remove-pods'; readonly host: string; readonly pods: readonly string[] }
  | { readonly kind: 'remove-host'; readonly host: string }
  | { readonly kind: 'pod'; readonly pod: string }
  | { readonly kind: 'proof' }
  | { readonly kind: 'lower-underlay' }
  | { readonly kind: 'forget' };

export interface TypedStep extends PlannedStep {
  readonly work: Work;
}

/** Usual and longest durations in seconds, measured on two cores; the deadlines leave room for a slow disk. */
const durations: Record<Work['kind'], readonly [expected: number, deadline: number]> = {
  underlay: [0.1, 20],
  boot: [0.6, 60],
  place: [0.2, 60],
  'etcd-leave': [0.3, 30],
  etcd: [0.8, 60],
  network: [0.1, 30],
  agent: [0.4, 60],
  docker: [0.6, 90],
  image: [0.2, 600],
  'remove-pods': [0.3, 60],
  'remove-host': [0.3, 60],
  pod: [0.4, 60],
  proof: [0.6, 120],
  'lower-underlay': [0.1, 30],
  forget: [0.1, 10],
};

function step(
  id: string,
  title: string,
  host: string | null,
  needs: readonly string[],
  work: Work,
): TypedStep {
  const [expectedSeconds, deadlineSeconds] = durations[work.kind];
  return { id, title, host, needs: [...needs], expectedSeconds, deadlineSeconds, work };
}

/** What an `up` must do besides making sure of everything that the lab file names. */
export interface Upkeep {
  readonly hostsRemoved: readonly string[];
  readonly podsRemoved: readonly { readonly name: string; readonly host: string }[];
  /** Members of a running cluster that leave it, and hosts that join it, in the order in which they do. */
  readonly etcdLeaving: readonly string[];
  readonly etcdJoining: readonly string[];
}

export const noUpkeep: Upkeep = { hostsRemoved: [], podsRemoved: [], etcdLeaving: [], etcdJoining: [] };

/**
 * The plan of `up`: every step makes sure of one thing, so the same plan builds a lab, finishes a half-built one and
 * applies a changed file. Pure; `needs` says what may run side by side.
 */
export function planUp(lab: Lab, upkeep: Upkeep): TypedStep[] {
  const steps: TypedStep[] = [step('underlay', 'underlay', null, [], { kind: 'underlay' })];
  for (const { name } of lab.hosts) {
    steps.push(step(`boot:${name}`, 'boot', name, ['underlay'], { kind: 'boot', host: name }));
    steps.push(step(`place:${name}`, 'files', name, [`boot:${name}`], { kind: 'place', host: name }));
  }
  const founding = lab.etcd.members.filter((name) => !upkeep.etcdJoining.includes(name));
  for (const name of founding) {
    steps.push(
      step(`etcd:${name}`, 'etcd', name, [`place:${name}`], { kind: 'etcd', host: name, joins: false }),
    );
  }
  let ready = founding.map((name) => `etcd:${name}`);
  if (upkeep.etcdLeaving.length > 0) {
    const work: Work = { kind: 'etcd-leave', hosts: upkeep.etcdLeaving };
    steps.push(step('etcd-leave', 'etcd members leave', null, ready, work));
    ready = ['etcd-leave'];
  }
  for (const name of upkeep.etcdJoining) {
    // One at a time: a cluster takes a new member only while all the others are well.
    const needs = [...ready, `place:${name}`];
    steps.push(step(`etcd:${name}`, 'etcd', name, needs, { kind: 'etcd', host: name, joins: true }));
    ready = [`etcd:${name}`];
  }
  steps.push(step('network', 'network configuration', null, ready, { kind: 'network' }));
  for (const { name } of lab.hosts) {
    steps.push(
      step(`agent:${name}`, 'agent', name, ['network', `place:${name}`], { kind: 'agent', host: name }),
    );
    steps.push(step(`docker:${name}`, 'Docker', name, [`agent:${name}`], { kind: 'docker', host: name }));
    const gone = upkeep.podsRemoved.filter((pod) => pod.host === name).map((pod) => pod.name);
    if (gone.length > 0) {
      const work: Work = { kind: 'remove-pods', host: name, pods: gone };
      steps.push(step(`remove-pods:${name}`, 'remove pods', name, [`docker:${name}`], work));
    }
    const images = [...new Set(lab.pods.filter((pod) => pod.host === name).map((pod) => pod.image))];
    for (const image of images) {
      const work: Work = { kind: 'image', host: name, image };
      steps.push(step(`image:${name}:${image}`, `image ${image}`, name, [`docker:${name}`], work));
    }
  }
  for (const pod of lab.pods) {
    const removed = steps.filter(({ id }) => id === `remove-pods:${pod.host}`).map(({ id }) => id);
    const needs = [`image:${pod.host}:${pod.image}`, ...removed];
    steps.push(step(`pod:${pod.name}`, `pod ${pod.name}`, pod.host, needs, { kind: 'pod', pod: pod.name }));
  }
  for (const host of upkeep.hostsRemoved) {
    const needs = upkeep.etcdLeaving.includes(host) ? ['etcd-leave'] : ['underlay'];
    steps.push(step(`remove-host:${host}`, 'remove host', host, needs, { kind: 'remove-host', host }));
  }
  const last = [
    ...lab.hosts.map(({ name }) => `docker:${name}`),
    ...lab.pods.map(({ name }) => `pod:${name}`),
    ...upkeep.hostsRemoved.map((host) => `remove-host:${host}`),
    ...steps.filter(({ work }) => work.kind === 'remove-pods').map(({ id }) => id),
  ];
  steps.push(step('proof', 'proof', null, last, { kind: 'proof' }));
  return steps;
}

/** The plan of `down`: the ledger's outstanding changes, backwards, hosts side by side. */
export function planDown(outstanding: readonly Change[]): TypedStep[] {
  const hosts = outstanding.flatMap((change) => (change.kind === 'sandbox-host' ? [change.host] : []));
  const steps = hosts.map((host) =>
    step(`remove-host:${host}`, 'remove host', host, [], { kind: 'remove-host', host }),
  );
  let needs = steps.map(({ id }) => id);
  if (outstanding.some(({ kind }) => kind === 'sandbox-underlay')) {
    steps.push(step('lower-underlay', 'remove underlay', null, needs, { kind: 'lower-underlay' }));
    needs = ['lower-underlay'];
  }
  steps.push(step('forget', 'forget the lab', null, needs, { kind: 'forget' }));
  return steps;
}

/** Seconds along the longest chain of the plan; the steps of several hosts share this machine's processors. */
export function expectedSeconds(steps: readonly PlannedStep[], processors: number): number {
  const ends = new Map<string, number>();
  let total = 0;
  for (const { id, needs, expectedSeconds: own } of steps) {
    ends.set(id, Math.max(0, ...needs.map((need) => ends.get(need) ?? 0)) + own);
    total += own;
  }
  // About two thirds of a step's time is processor time.
  return Math.max(...ends.values(), (total * 0.65) / processors);
}
