import type { AgentPeer } from '../contract/agent.ts';
import { type Cidr, formatCidr } from '../contract/ipv4.ts';
import type { Inherited } from './inherited.ts';
import type { Lease } from './lease/lease.ts';
import type { LeaseStore } from './lease/store.ts';
import type { Notifier } from './notify.ts';
import type { Options } from './options.ts';
import type { StatusBoard } from './status/board.ts';
import type { Latest } from './wait.ts';

/** The other hosts' leases as the kernel is to have them. `saved`: those of an earlier life, before etcd has answered. */
export interface PeerView {
  readonly source: 'saved' | 'etcd';
  readonly leases: readonly Lease[];
  /** What stands among the leases and is none, as ignored peers. */
  readonly malformed: readonly AgentPeer[];
}

export interface AgentContext {
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly board: StatusBoard;
  readonly notifier: Notifier;
  /** What the process before us left with the service manager. */
  readonly inherited: readonly Inherited[];
}

/** What the parts of one run share: where we stand is said in one place. */
export interface Run extends AgentContext {
  readonly store: LeaseStore;
  /** What the process before us left, once. */
  readonly takeInherited: () => readonly Inherited[];
  /** Why the kernel is to be looked at again. */
  readonly wake: Latest<'leases' | 'kernel' | 'files'>;
  /** Says what keeps us from going on; null: nothing any more. */
  readonly waitFor: (what: string | null) => void;
  /** The peers are programmed: all is ready, unless they are still those of an earlier life. */
  readonly enterCarrying: (subnet: Cidr, source: PeerView['source']) => void;
  /** What was ready is so no more. */
  readonly leaveReady: () => void;
}

/** Where one run stands, as the status, the log and the service manager are told. */
export function standing({ board, log, notifier }: AgentContext) {
  let ready = false;
  let carrying = false;
  let told = false;
  const tell = () => {
    if (!told) notifier.ready();
    told = true;
  };
  return {
    waitFor(what: string | null) {
      if (board.current().waitingFor === what) return;
      if (what !== null) log(`waiting for ${what}`);
      notifier.status(what === null ? 'working' : `waiting for ${what}`);
      board.update({ waitingFor: what, phase: what !== null ? 'waiting' : ready ? 'ready' : 'starting' });
      // Those who wait for us, such as Docker, need the subnet and not etcd.
      if (what !== null && carrying) tell();
    },
    enterCarrying(subnet: Cidr, source: PeerView['source']) {
      carrying = true;
      // What was saved may be out of date, so etcd comes first, if it answers.
      if (source === 'saved' && board.current().waitingFor === null) return;
      tell();
      if (ready || source === 'saved') return;
      ready = true;
      board.update({ phase: 'ready', waitingFor: null });
      notifier.status(`subnet ${formatCidr(subnet)}`);
      log(`ready with subnet ${formatCidr(subnet)}`);
    },
    leaveReady() {
      ready = false;
      carrying = false;
      board.update({ phase: 'starting' });
    },
  };
}

/** Keeps the status of our contact with etcd; says in the log when it changes. */
export function contactObserver({ board, log }: AgentContext): (failure: string | null) => void {
  let known = false;
  return (failure) => {
    const { etcd } = board.current();
    const connected = failure === null;
    if (!known || connected !== etcd.connected)
      log(connected ? 'etcd answers' : `etcd does not answer: ${failure}`);
    known = true;
    const since = connected === etcd.connected ? etcd.since : new Date().toISOString();
    board.update({ etcd: { connected, since, error: failure } });
  };
}
