import { isDeepStrictEqual } from 'node:util';
import type { AgentStatus, AgentTraffic } from '../../contract/agent.ts';

/** The agent's status: one value, replaced as a whole, and those who want to hear of it. */
export interface StatusBoard {
  /** The status as of now: `at` is the time of the call. */
  current(): AgentStatus;
  /** Replaces parts of the status; those that are the same already make no news. */
  update(change: Partial<Omit<AgentStatus, 'at' | 'version' | 'startedAt' | 'traffic' | 'passes'>>): void;
  /** Counts a pass over the kernel and, when it was for new leases, the seconds since they came; it makes no news. */
  countPass(seconds: number, lagSeconds: number | null): void;
  /** From now on the status has what `read` says at the time of asking; it makes no news. */
  readTrafficFrom(read: () => AgentTraffic | null): void;
  /** Calls back at every change until the returned function is called. */
  subscribe(listener: (status: AgentStatus) => void): () => void;
}

export function createBoard(version: string, now: () => Date = () => new Date()): StatusBoard {
  const startedAt = now().toISOString();
  let status: AgentStatus = {
    version,
    at: startedAt,
    startedAt,
    phase: 'starting',
    waitingFor: null,
    network: null,
    subnet: null,
    backend: null,
    publicIp: null,
    interface: null,
    mtu: null,
    device: null,
    lease: null,
    etcd: { connected: false, since: startedAt, error: null },
    peers: [],
    repairs: 0,
    traffic: null,
    passes: { count: 0, seconds: 0, lagSeconds: null },
  };
  let passes = status.passes;
  let readTraffic: () => AgentTraffic | null = () => null;
  const listeners = new Set<(status: AgentStatus) => void>();
  const stamped = (): AgentStatus => ({
    ...status,
    at: now().toISOString(),
    traffic: readTraffic(),
    passes,
  });
  return {
    current: stamped,
    update(change) {
      const next = { ...status, ...change };
      if (isDeepStrictEqual(next, status)) return;
      status = next;
      const news = stamped();
      for (const listener of [...listeners]) listener(news);
    },
    countPass(seconds, lagSeconds) {
      passes = {
        count: passes.count + 1,
        seconds: passes.seconds + seconds,
        lagSeconds: lagSeconds ?? passes.lagSeconds,
      };
    },
    readTrafficFrom(read) {
      readTraffic = read;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
