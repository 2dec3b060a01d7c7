import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { createLatest, type Latest } from '../wait.ts';
import { parseConfig } from './config.ts';
import { openEtcd } from './etcd.ts';
import { acquireLease, type HeldLease, keepLease, type LeaseWish } from './hold.ts';
import type { KnownSnapshot, LeaseStore } from './store.ts';
import { formatLeaseValue } from './value.ts';
import { followEntries } from './watch.ts';

/* Hosts for the tests of leases: each acquires, follows and keeps as the agent does, without an overlay. */

const prefix = '/coreos.com/network';
export const keyOf = (name: string): string => `${prefix}/subnets/${name}`;
export const leaseValue = (publicIp: string): string =>
  formatLeaseValue(parseIpv4(publicIp) ?? 0, {
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: publicIp },
  });

export function wishOf(
  publicIp: string,
  change: Partial<LeaseWish> & { readonly subnet?: string } = {},
): LeaseWish {
  const parsed = parseConfig('{"Network":"10.77.0.0/16"}');
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  const { subnet, ...rest } = change;
  return {
    config: parsed.config,
    publicIp: parseIpv4(publicIp) ?? 0,
    value: leaseValue(publicIp),
    previous: subnet === undefined ? null : parseCidr(subnet),
    leaseId: null,
    leaseSeconds: 86_400,
    marginMilliseconds: 3_600_000,
    ...rest,
  };
}

/** Everything that followed one store: what it was told, and the newest names. */
export interface Follower {
  readonly snapshots: KnownSnapshot[];
  names(): string[];
}

/** A host that holds a lease. */
export interface Holder {
  readonly first: HeldLease;
  readonly changes: HeldLease[];
  readonly snapshots: Latest<KnownSnapshot>;
  /** The host that owns its subnet now; null as long as it is its own. */
  owner(): string | null;
}

/** What runs for one test. */
export interface Holders {
  readonly logged: string[];
  open(endpoints: readonly string[]): LeaseStore;
  hold(store: LeaseStore, wish: LeaseWish): Promise<Holder>;
  follow(store: LeaseStore, graceMilliseconds?: number): Promise<Follower>;
  /** Polls; throws with what was logged when nothing comes within the time. */
  until<T>(what: string, look: () => Promise<T | null> | T | null, seconds?: number): Promise<T>;
  close(): Promise<void>;
}

export function makeHolders(): Holders {
  const stop = new AbortController();
  const { signal } = stop;
  setMaxListeners(0, signal);
  const logged: string[] = [];
  const stores: LeaseStore[] = [];
  const running: Promise<unknown>[] = [];
  const log = (line: string) => void logged.push(line);
  const holders: Holders = {
    logged,
    open(endpoints) {
      const opened = openEtcd({ endpoints, prefix, tls: null, username: '', password: '' }, () => {});
      stores.push(opened);
      return opened;
    },
    async hold(store, wish) {
      const context = { signal, log, random: Math.random };
      const first = await acquireLease(store, wish, {
        ...context,
        waitingFor: (what) => what !== null && log(`waiting for ${what}`),
      });
      const snapshots = createLatest<KnownSnapshot>();
      const changes: HeldLease[] = [];
      let owner: string | null = null;
      const keeping = keepLease(store, wish, first, snapshots, (held) => changes.push(held), context);
      const following = followEntries(store, (snapshot) => snapshots.publish(snapshot), {
        signal,
        log,
        listAgainMilliseconds: 60_000,
      });
      running.push(
        keeping.then((ended) => {
          owner = ended.owner;
        }),
        following,
      );
      return { first, changes, snapshots, owner: () => owner };
    },
    async follow(store, graceMilliseconds = 30_000) {
      const snapshots: KnownSnapshot[] = [];
      running.push(
        followEntries(store, (snapshot) => snapshots.push(snapshot), {
          signal,
          log,
          listAgainMilliseconds: 60_000,
          graceMilliseconds,
        }),
      );
      await holders.until('first list', () => snapshots.at(-1) ?? null, 20);
      return {
        snapshots,
        names: () => (snapshots.at(-1)?.entries ?? []).map(({ name }) => name).sort(),
      };
    },
    async until(what, look, seconds = 20) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const found = await look();
        if (found !== null) return found;
        if (Date.now() > deadline)
          throw new Error(`no ${what} within ${seconds} s; log: ${logged.join(' | ')}`);
        await sleep(20);
      }
    },
    async close() {
      stop.abort();
      await Promise.allSettled(running);
      for (const store of stores) store.close();
    },
  };
  return holders;
}
