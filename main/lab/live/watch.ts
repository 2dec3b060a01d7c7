import { access } from 'node:fs/promises';
import type { Host, Lab } from '../../../contract/lab.ts';
import type { LiveEvent, LiveHost } from '../../../contract/live.ts';
import { failure } from '../../failure.ts';
import { connectSandbox } from '../../host/sandbox/sandbox.ts';
import { openMemberStatus } from '../../provision/etcd-status.ts';
import { appendHistory, followHistory, type HistoryLine, toLine } from '../history.ts';
import { stateOf } from '../inspect.ts';
import { lockLab } from '../lock.ts';
import { keysOf } from '../session.ts';
import { type LabRecord, labDirectory, readRecord, readSecrets, type Secrets } from '../state.ts';
import { changesBetween } from './changes.ts';
import { gatherHost } from './host.ts';
import { openPulse } from './pulse.ts';

type Tell = (event: LiveEvent) => void;

/** Entries of a history that are told of when a lab begins to be watched. */
const entriesTold = 10_000;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Makes the differences of hosts part of the lab's history. Of all that watch a lab, in whatever process, one does so. */
function openNotes(name: string, id: string, onFailure: (thrown: unknown) => void) {
  let unlock: (() => Promise<void>) | null = null;
  let queue: Promise<void> = Promise.resolve();
  return {
    /** Takes over when nobody does it any more. */
    async claim() {
      unlock ??= await lockLab(name, `${id}-watch`, 'watch').catch(() => null);
    },
    add(before: LiveHost, after: LiveHost) {
      if (unlock === null) return;
      const drafts = changesBetween(before, after, new Date().toISOString());
      if (drafts.length > 0)
        queue = queue.then(() => appendHistory(name, drafts.map(toLine))).catch(onFailure);
    },
    async close() {
      await queue;
      await unlock?.();
    },
  };
}

/** The gatherers of a lab, one for each of its hosts. */
function openGatherers(
  name: string,
  tell: Tell,
  note: (before: LiveHost, after: LiveHost) => void,
  onFailure: (thrown: unknown) => void,
) {
  const running = new Map<
    string,
    { readonly host: string; readonly stop: AbortController; done: Promise<void> }
  >();
  let current: { record: LabRecord; busy: boolean } | null = null;

  const secrets = async (): Promise<Secrets> => {
    const found = await readSecrets(name);
    if (found === null) throw failure('host-silent', `Lab ${name} has no keys yet.`);
    return found;
  };

  const begin = (lab: Lab, host: Host) => {
    const stop = new AbortController();
    const done = gatherHost(
      {
        host,
        lab: () => current?.record.lab ?? lab,
        busy: () => current?.busy ?? true,
        connect: async (signal) => connectSandbox(host, keysOf(await secrets(), host.name), signal, 5),
        openMember: async (connection) => {
          const { authority, operator } = await secrets();
          return openMemberStatus(connection, lab, host.address, authority.certificate, operator);
        },
        onHost: (before, after) => {
          tell({ type: 'hosts', hosts: [after] });
          note(before, after);
        },
        onSample: (sample) => tell({ type: 'samples', samples: [sample] }),
      },
      stop.signal,
    ).catch(onFailure);
    return { host: host.name, stop, done };
  };

  return {
    /** Begins what is new in the lab, and ends what is gone or has another address. */
    follow(record: LabRecord, busy: boolean) {
      current = { record, busy };
      const { lab, createdAt } = record;
      const wanted = new Map(lab.hosts.map((host) => [`${createdAt} ${host.name} ${host.address}`, host]));
      const gone = [...running].filter(([key]) => !wanted.has(key));
      for (const [key, { stop }] of gone) {
        stop.abort();
        running.delete(key);
      }
      const names = gone.map(([, { host }]) => host);
      if (names.length > 0) tell({ type: 'hosts-removed', names });
      for (const [key, host] of wanted) if (!running.has(key)) running.set(key, begin(lab, host));
    },
    async close() {
      for (const { stop } of running.values()) stop.abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

/** Tells what is new in a history: of what was there before, all results and the latest entries. */
function tellHistory(lines: readonly HistoryLine[], tell: Tell): void {
  const results = lines.flatMap((line) => (line.kind === 'probe' ? [line.result] : []));
  const entries = lines.flatMap((line) => (line.kind === 'entry' ? [line.entry] : [])).slice(-entriesTold);
  if (entries.length > 0) tell({ type: 'history', entries });
  if (results.length > 0) tell({ type: 'probes', results });
}

/**
 * Watches a lab: tells of the lab, its history and probes, then of its hosts and their load as they change, whoever changes
 * them. Resolves when the lab is gone or `signal` is aborted. What cannot be reached or read is tried again.
 */
export async function watchLab(
  name: string,
  onFailure: (thrown: unknown) => void,
  sink: Tell,
  signal: AbortSignal,
): Promise<void> {
  const tell: Tell = (event) => {
    if (!signal.aborted) sink(event);
  };
  const pulse = openPulse(labDirectory(name), signal);
  const readHistory = followHistory(name);
  let notes: ReturnType<typeof openNotes> | null = null;
  const gatherers = openGatherers(name, tell, (before, after) => notes?.add(before, after), onFailure);
  let told: string | null = null;
  try {
    for (;;) {
      const record = await readRecord(name);
      if (record === null && !(await isThere(labDirectory(name)))) {
        tell({ type: 'gone' });
        return;
      }
      // A lab whose record is not written yet is looked at again in a moment.
      if (record !== null) {
        const { lab, createdAt } = record;
        const [state, history] = await Promise.all([stateOf(record), readHistory().catch(() => null)]);
        if (signal.aborted) return;
        const event: LiveEvent = { type: 'lab', lab, state, createdAt };
        const text = JSON.stringify(event);
        if (text !== told) tell(event);
        told = text;
        if (history !== null) tellHistory(history.lines, tell);
        notes ??= openNotes(name, lab.id, onFailure);
        await notes.claim();
        gatherers.follow(record, state === 'busy');
      }
      await pulse.next();
      if (signal.aborted) return;
    }
  } finally {
    pulse.close();
    await gatherers.close();
    await notes?.close();
  }
}
