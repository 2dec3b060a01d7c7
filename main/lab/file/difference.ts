import { isDeepStrictEqual } from 'node:util';
import type { Host, Lab, Pod } from '../../../contract/lab.ts';

/** What separates two decisions on the same lab; hosts, pods and members by name. */
export interface LabDifference {
  readonly hostsAdded: string[];
  readonly hostsRemoved: string[];
  /** Hosts whose provider, address or underlay changed: they must be made anew. */
  readonly hostsRebuilt: string[];
  readonly podsAdded: string[];
  readonly podsRemoved: string[];
  readonly podsChanged: string[];
  readonly networkChanged: boolean;
  readonly etcdMembersAdded: string[];
  readonly etcdMembersRemoved: string[];
  /** mTLS was switched on or off, which no running cluster can follow. */
  readonly etcdRebuilt: boolean;
}

const namesOf = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);

const without = (names: readonly string[], others: readonly string[]) =>
  names.filter((name) => !others.includes(name));

/** Names of the items in both lists that differ, in the order of the second. */
function changed<T extends Host | Pod>(previous: readonly T[], next: readonly T[]): string[] {
  const before = new Map(previous.map((item) => [item.name, item]));
  return namesOf(
    next.filter((item) => {
      const old = before.get(item.name);
      return old !== undefined && !isDeepStrictEqual(old, item);
    }),
  );
}

/** What changes when `next` takes the place of `previous`. Pure. */
export function labDifference(previous: Lab, next: Lab): LabDifference {
  const hosts = { before: namesOf(previous.hosts), after: namesOf(next.hosts) };
  const pods = { before: namesOf(previous.pods), after: namesOf(next.pods) };
  const sameUnderlay = isDeepStrictEqual(previous.underlay, next.underlay);
  return {
    hostsAdded: without(hosts.after, hosts.before),
    hostsRemoved: without(hosts.before, hosts.after),
    hostsRebuilt: sameUnderlay
      ? changed(previous.hosts, next.hosts)
      : hosts.after.filter((name) => hosts.before.includes(name)),
    podsAdded: without(pods.after, pods.before),
    podsRemoved: without(pods.before, pods.after),
    podsChanged: changed(previous.pods, next.pods),
    networkChanged: !isDeepStrictEqual(previous.network, next.network),
    etcdMembersAdded: without(next.etcd.members, previous.etcd.members),
    etcdMembersRemoved: without(previous.etcd.members, next.etcd.members),
    etcdRebuilt: previous.etcd.tls !== next.etcd.tls,
  };
}
