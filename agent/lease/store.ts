import type { Cidr } from '../../contract/ipv4.ts';

/**
 * A key below `<prefix>/subnets/`: the last part of its name, and what etcd says of it. No `leaseId`: a reservation.
 */
export interface StoredEntry {
  readonly name: string;
  readonly value: string;
  readonly modRevision: number;
  readonly leaseId: string | null;
}

/** All entries as they were at one revision of etcd. Another `clusterId` is another etcd, which counts anew. */
export interface Snapshot {
  readonly clusterId: string;
  readonly revision: number;
  readonly entries: readonly StoredEntry[];
}

/** A snapshot, and the entries that the store lost with its data but that may well be written again soon. */
export interface KnownSnapshot extends Snapshot {
  readonly kept: readonly StoredEntry[];
}

export type EntryChange =
  | { readonly kind: 'put'; readonly entry: StoredEntry }
  | { readonly kind: 'delete'; readonly name: string; readonly modRevision: number };

/** `conflict`: somebody else changed the key first, and nothing was written. */
export type Written = { readonly kind: 'written'; readonly revision: number } | { readonly kind: 'conflict' };

export interface StoredWatch {
  close(): void;
}

/**
 * Where leases are kept. Every call rejects within a few seconds when the store does not answer; a write that was
 * rejected may still have been made. Keys are written by subnet alone: nothing that is not a lease may stand among
 * them, since one such key costs older flannelds their peers.
 */
export interface LeaseStore {
  /** The text of `<prefix>/config`; null when there is none. */
  readConfig(): Promise<string | null>;
  list(): Promise<Snapshot>;
  grant(seconds: number): Promise<{ readonly leaseId: string; readonly seconds: number }>;
  /** How long a lease still lives; null when it is gone. */
  secondsLeft(leaseId: string): Promise<number | null>;
  /** Ends a lease that no key hangs on. */
  dropLease(leaseId: string): Promise<void>;
  /** Writes a key that is not there yet. */
  create(subnet: Cidr, value: string, leaseId: string): Promise<Written>;
  /** Writes a key that still has this revision; without a lease it is, or stays, a reservation. */
  replace(subnet: Cidr, value: string, leaseId: string | null, modRevision: number): Promise<Written>;
  remove(subnet: Cidr, modRevision: number): Promise<Written>;
  /** Reports all changes after a revision until it is closed or breaks; broken, it is over and reports nothing more. */
  watch(
    after: number,
    onChanges: (changes: readonly EntryChange[]) => void,
    onBroken: (reason: string) => void,
  ): Promise<StoredWatch>;
  close(): void;
}
