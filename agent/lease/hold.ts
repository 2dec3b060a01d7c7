import { type Cidr, formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import { sinceBoot } from '../boot-clock.ts';
import { reasonOf } from '../reason.ts';
import { type Latest, orAbort, pause } from '../wait.ts';
import { chooseSubnet } from './choose.ts';
import type { NetworkConfig } from './config.ts';
import type { LeaseStore, Snapshot, StoredEntry } from './store.ts';
import { formatSubnetKey, parseLease } from './value.ts';

/** What we want to hold. `value` is what our key says, `previous` the subnet of an earlier run. */
export interface LeaseWish {
  readonly config: NetworkConfig;
  readonly publicIp: number;
  readonly value: string;
  readonly previous: Cidr | null;
  /** The lease that our key hung on in an earlier run, which tells that it is ours whatever address it names. */
  readonly leaseId: string | null;
  /** flannel's leases live 86400 s. */
  readonly leaseSeconds: number;
  /** How long before its end a lease is renewed. */
  readonly marginMilliseconds: number;
}

/** Our key as we last wrote or saw it. Without `leaseId` and `expiresAt` it is a reservation, which never ends. */
export interface HeldLease {
  readonly subnet: Cidr;
  readonly modRevision: number;
  readonly leaseId: string | null;
  readonly acquiredAt: Date;
  readonly renewedAt: Date;
  /** For display: the wall clock may jump. */
  readonly expiresAt: Date | null;
  /** The same in milliseconds since the boot, which is what renewal goes by. */
  readonly endsAt: number | null;
}

/** Two clocks in milliseconds: one that only goes forward, also while a machine is suspended, and the wall's. */
interface Clock {
  monotonic(): number;
  wall(): number;
}

const systemClock: Clock = { monotonic: sinceBoot, wall: () => Date.now() };

export interface HoldContext {
  /** The system's own unless given. */
  readonly clock?: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Says what keeps us from a subnet; null: nothing any more. */
  readonly waitingFor: (what: string | null) => void;
  readonly random: () => number;
}

const retryMilliseconds = 1000;
/** So many lost races are a matter of course when many hosts start at once. */
const quietRaces = 10;

/** What an attempt to write our key under a new lease came to. */
type Put =
  | {
      readonly kind: 'held';
      readonly modRevision: number;
      readonly leaseId: string;
      readonly expiresAt: Date;
      readonly endsAt: number;
    }
  | { readonly kind: 'conflict' };

/** When a lease with so many seconds left ends, on both clocks. */
const endAfter = (seconds: number, from: { readonly monotonic: number; readonly wall: number }) => ({
  expiresAt: new Date(from.wall + seconds * 1000),
  endsAt: from.monotonic + seconds * 1000,
});
const readClock = (clock: Clock) => ({ monotonic: clock.monotonic(), wall: clock.wall() });

/** Grants a lease and writes our key under it: a new key when `over` is null, else over exactly that revision. */
async function putUnderLease(
  store: LeaseStore,
  wish: LeaseWish,
  subnet: Cidr,
  over: number | null,
  clock: Clock,
): Promise<Put> {
  // Counted from before the grant, so that we never think that it lives longer than it does.
  const from = readClock(clock);
  const { leaseId, seconds } = await store.grant(wish.leaseSeconds);
  const written =
    over === null
      ? await store.create(subnet, wish.value, leaseId)
      : await store.replace(subnet, wish.value, leaseId, over);
  if (written.kind === 'written')
    return { kind: 'held', modRevision: written.revision, leaseId, ...endAfter(seconds, from) };
  await dropQuietly(store, leaseId);
  return { kind: 'conflict' };
}

/** An empty lease left behind costs etcd a little memory for a day: no reason to fail. */
const dropQuietly = (store: LeaseStore, leaseId: string): Promise<void> =>
  store.dropLease(leaseId).catch(() => {});

type Attempt =
  | { readonly kind: 'held'; readonly held: HeldLease; readonly how: string }
  | { readonly kind: 'raced' }
  | { readonly kind: 'full' };

async function takeOver(
  store: LeaseStore,
  wish: LeaseWish,
  entry: StoredEntry,
  subnet: Cidr,
  clock: Clock,
): Promise<Attempt> {
  const now = new Date(clock.wall());
  if (entry.leaseId === null) {
    const written = await store.replace(subnet, wish.value, null, entry.modRevision);
    if (written.kind === 'conflict') return { kind: 'raced' };
    const modRevision = written.revision;
    const times = { acquiredAt: now, renewedAt: now, expiresAt: null, endsAt: null };
    const held = { subnet, modRevision, leaseId: null, ...times };
    return { kind: 'held', held, how: 'reserved for this host' };
  }
  const put = await putUnderLease(store, wish, subnet, entry.modRevision, clock);
  if (put.kind === 'conflict') return { kind: 'raced' };
  await dropQuietly(store, entry.leaseId);
  const { kind: _, ...written } = put;
  const held = { subnet, ...written, acquiredAt: now, renewedAt: now };
  return { kind: 'held', held, how: 'held before by this host' };
}

/** One try at a subnet: look, choose, write only if nobody was faster. */
async function tryAcquire(store: LeaseStore, wish: LeaseWish, context: HoldContext): Promise<Attempt> {
  const clock = context.clock ?? systemClock;
  const { entries } = await store.list();
  const choice = chooseSubnet({ ...wish, entries, random: context.random });
  switch (choice.kind) {
    case 'full':
      return { kind: 'full' };
    case 'delete':
      for (const { entry, subnet } of choice.entries) {
        context.log(`deleting our lease of ${formatCidr(subnet)}, which does not fit the configuration`);
        await store.remove(subnet, entry.modRevision);
      }
      return { kind: 'raced' };
    case 'own':
      return takeOver(store, wish, choice.entry, choice.subnet, clock);
    case 'free': {
      const put = await putUnderLease(store, wish, choice.subnet, null, clock);
      if (put.kind === 'conflict') return { kind: 'raced' };
      const now = new Date(clock.wall());
      const { kind: _, ...written } = put;
      const held = { subnet: choice.subnet, ...written, acquiredAt: now, renewedAt: now };
      return { kind: 'held', held, how: 'free' };
    }
  }
}

/** Acquires a subnet, however long that takes; says what it waits for. Rejects only with the signal's reason. */
export async function acquireLease(
  store: LeaseStore,
  wish: LeaseWish,
  context: HoldContext,
): Promise<HeldLease> {
  const { signal, log, waitingFor, random } = context;
  const { subnetMin, subnetMax, subnetLength } = wish.config;
  let races = 0;
  for (;;) {
    signal.throwIfAborted();
    let milliseconds = retryMilliseconds;
    try {
      const attempt = await orAbort(tryAcquire(store, wish, context), signal);
      if (attempt.kind === 'held') {
        waitingFor(null);
        log(`leased subnet ${formatCidr(attempt.held.subnet)} (${attempt.how})`);
        return attempt.held;
      }
      if (attempt.kind === 'full') {
        const range = `${formatIpv4(subnetMin)} to ${formatIpv4(subnetMax)}`;
        waitingFor(`a free subnet: out of subnets, every /${subnetLength} from ${range} is leased`);
      } else {
        races += 1;
        if (races > quietRaces) waitingFor(`a subnet: other hosts were faster ${races} times`);
        else milliseconds = 20 + 80 * random();
      }
    } catch (error) {
      signal.throwIfAborted();
      waitingFor(`etcd to lease a subnet: ${reasonOf(error)}`);
    }
    await pause(milliseconds, signal);
  }
}

/** The least time between two writes over somebody who keeps changing our key. */
const contestMilliseconds = 10_000;
/** Node's timers stand still while a machine is suspended, so the clocks are looked at now and then. */
const lookMilliseconds = 30_000;
/** How often etcd is asked how long our lease still lives, which it alone knows. */
const askMilliseconds = 600_000;
/** The clocks drift apart by less than this; more is a jump of the wall's. */
const jumpMilliseconds = 5_000;
const renewAgainMilliseconds = 10_000;

/** How our key stands, seen from what we hold. */
type Standing = 'as-held' | 'missing' | 'other-owner' | 'other-lease' | 'other-value';

function standing(held: HeldLease, wish: LeaseWish, entry: StoredEntry | undefined): Standing {
  if (entry === undefined) return 'missing';
  // An etcd that lost its data counts anew, so a revision alone may be somebody else's.
  const sameLease = entry.modRevision === held.modRevision && entry.leaseId === held.leaseId;
  if (sameLease && entry.value === wish.value) return 'as-held';
  const parsed = parseLease(entry.name, entry.value);
  if (parsed.kind === 'lease' && parsed.lease.publicIp !== wish.publicIp) return 'other-owner';
  return entry.value === wish.value ? 'other-lease' : 'other-value';
}

/**
 * Keeps a lease for as long as it can: renews it, writes it again when the key was deleted or changed, and adopts what
 * an operator did to its lease. Resolves when another host owns the subnet now, so that a new one must be leased;
 * rejects only with the signal's reason. `onHeld` hears of every change of what we hold.
 */
export async function keepLease(
  store: LeaseStore,
  wish: LeaseWish,
  first: HeldLease,
  snapshots: Latest<Snapshot>,
  onHeld: (held: HeldLease) => void,
  context: Pick<HoldContext, 'signal' | 'log' | 'clock'>,
): Promise<{ readonly owner: string }> {
  const { signal, log, clock = systemClock } = context;
  const { subnet } = first;
  const name = formatSubnetKey(subnet);
  const text = formatCidr(subnet);
  const entryIn = ({ entries }: Snapshot) => entries.find((entry) => entry.name === name);
  let held = first;
  let seen = 0;
  let notBefore = Number.NEGATIVE_INFINITY;
  let contested = Number.NEGATIVE_INFINITY;
  /** The key is not as we hold it, and is not put right yet. */
  let unsettled = false;
  /** The last try failed; said once, not each time. */
  let failing = false;
  const apart = () => clock.wall() - clock.monotonic();
  /** How far the clocks were apart when etcd was last asked for our lease, and when that was. */
  let asked = { apart: apart(), at: clock.monotonic() };

  const hold = (next: Partial<HeldLease>) => {
    held = { ...held, ...next };
    onHeld(held);
  };
  const write = async (over: StoredEntry | null): Promise<boolean> => {
    const now = new Date(clock.wall());
    const reserved = over !== null && over.leaseId === null;
    if (reserved) {
      const written = await store.replace(subnet, wish.value, null, over.modRevision);
      if (written.kind === 'conflict') return false;
      hold({ modRevision: written.revision, leaseId: null, expiresAt: null, endsAt: null, renewedAt: now });
      return true;
    }
    const put = await putUnderLease(store, wish, subnet, over?.modRevision ?? null, clock);
    if (put.kind === 'conflict') return false;
    const before = held.leaseId;
    const { kind: _, ...next } = put;
    hold({ ...next, renewedAt: now });
    if (before !== null) await dropQuietly(store, before);
    return true;
  };
  /** An operator wrote the same value under another lease, or under none: theirs counts. */
  const adopt = async (entry: StoredEntry): Promise<boolean> => {
    const { leaseId, modRevision } = entry;
    if (leaseId === null) {
      log(`our lease of ${text} was made a reservation`);
      hold({ modRevision, leaseId, expiresAt: null, endsAt: null });
      return true;
    }
    const from = readClock(clock);
    const seconds = await store.secondsLeft(leaseId);
    if (seconds === null) return false;
    hold({ modRevision, leaseId, ...endAfter(seconds, from) });
    return true;
  };
  /** Asks etcd how long our lease still lives, and trusts that. False when it is gone. */
  const ask = async (): Promise<boolean> => {
    const { leaseId } = held;
    const from = readClock(clock);
    const seconds = leaseId === null ? null : await store.secondsLeft(leaseId);
    asked = { apart: from.wall - from.monotonic, at: from.monotonic };
    if (leaseId === null) return true;
    if (seconds === null) return false;
    hold(endAfter(seconds, from));
    return true;
  };
  /** Puts our key right. Resolves to the other owner, null when it is ours as it should be, or false to try again. */
  const settle = async (): Promise<{ readonly owner: string } | null | false> => {
    const entry = entryIn(await store.list());
    switch (standing(held, wish, entry)) {
      case 'as-held':
        return null;
      case 'missing':
        if (!(await write(null))) return false;
        log(`our lease of ${text} was gone; it is leased again`);
        return null;
      case 'other-owner': {
        const parsed = entry === undefined ? null : parseLease(entry.name, entry.value);
        return { owner: parsed?.kind === 'lease' ? formatIpv4(parsed.lease.publicIp) : 'another host' };
      }
      case 'other-lease':
        return entry !== undefined && (await adopt(entry)) ? null : false;
      case 'other-value': {
        // Two hosts with one address would otherwise write over each other without end.
        if (clock.monotonic() - contested < contestMilliseconds) return false;
        contested = clock.monotonic();
        log(`our lease of ${text} says something else; does another host have our address?`);
        return entry !== undefined && (await write(entry)) ? null : false;
      }
    }
  };

  for (;;) {
    const due = held.endsAt === null ? Number.POSITIVE_INFINITY : held.endsAt - wish.marginMilliseconds;
    if (unsettled) await pause(retryMilliseconds, signal);
    const wait = unsettled ? 0 : Math.max(due, notBefore) - clock.monotonic();
    await snapshots.newer(seen, Math.min(Math.max(wait, 0), lookMilliseconds), signal);
    seen = snapshots.count;
    try {
      const snapshot = snapshots.value;
      if (unsettled || (snapshot !== null && standing(held, wish, entryIn(snapshot)) !== 'as-held')) {
        unsettled = true;
        const settled = await orAbort(settle(), signal);
        if (settled !== null && settled !== false) return settled;
        unsettled = settled === false;
      }
      const now = clock.monotonic();
      const jumped = Math.abs(apart() - asked.apart) > jumpMilliseconds;
      if (!unsettled && now >= notBefore && (jumped || now - asked.at >= askMilliseconds))
        unsettled = !(await orAbort(ask(), signal));
      const renewal = held.endsAt !== null && held.endsAt - wish.marginMilliseconds <= clock.monotonic();
      if (!unsettled && renewal && now >= notBefore) {
        unsettled = !(await orAbort(write({ name, value: wish.value, ...held }), signal));
        if (!unsettled) log(`renewed the lease of ${text} until ${held.expiresAt?.toISOString()}`);
      }
      failing = false;
    } catch (error) {
      signal.throwIfAborted();
      if (!unsettled) notBefore = clock.monotonic() + renewAgainMilliseconds;
      if (failing) continue;
      failing = true;
      log(`the lease of ${text} could not be ${unsettled ? 'put right' : 'renewed'}: ${reasonOf(error)}`);
    }
  }
}
