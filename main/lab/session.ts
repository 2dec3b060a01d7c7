import type { LabEvent } from '../../contract/event.ts';
import type { Host } from '../../contract/lab.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { connectSandbox, type HostKeys } from '../host/sandbox/sandbox.ts';
import { type LabRecord, labNames, readRecord, readSecrets, type Secrets } from './state.ts';

/** Receives everything that long work reports. */
export type Sink = (event: LabEvent) => void;

/** What an installation brings: its root program and the bundled agent. */
export interface Installation {
  readonly rootProgram: string;
  /** Gets what long work failed of, with its causes, for the log. */
  readonly onFailure: (thrown: unknown) => void;
  readonly agent: () => Promise<{ script: Uint8Array; nativeModule: Uint8Array }>;
}

/** The connections to a lab's hosts, opened when first asked for and kept. */
export interface Connections {
  get(host: Host, signal: AbortSignal, deadlineSeconds: number): Promise<Connection>;
  keep(connection: Connection): void;
  drop(host: string): Promise<void>;
  close(): Promise<void>;
}

export function keysOf(secrets: Secrets, host: string): HostKeys {
  const own = secrets.hosts[host];
  if (own === undefined) throw failure('host-unknown', `Host ${host} has no key in this lab.`);
  return { client: secrets.client, host: own.key };
}

/** `secrets` is asked for the keys of each host that is connected to; `connectTo` opens one connection, and tests have hosts of another kind. */
export function openConnections(
  secrets: () => Secrets | Promise<Secrets>,
  connectTo = connectSandbox,
): Connections {
  const open = new Map<string, Connection>();
  const opening = new Map<string, Promise<Connection>>();
  const ended = new AbortController();
  return {
    async get(host, signal, deadlineSeconds) {
      const known = open.get(host.name) ?? opening.get(host.name);
      if (known !== undefined) return known;
      const either = AbortSignal.any([signal, ended.signal]);
      const connectToHost = async () =>
        connectTo(host, keysOf(await secrets(), host.name), either, deadlineSeconds);
      const attempt = connectToHost();
      opening.set(host.name, attempt);
      try {
        const connection = await attempt;
        open.set(host.name, connection);
        return connection;
      } finally {
        opening.delete(host.name);
      }
    },
    keep(connection) {
      open.set(connection.name, connection);
    },
    async drop(host) {
      const connection = open.get(host);
      open.delete(host);
      await connection?.close();
    },
    async close() {
      // What is still being opened must not stay open after all the others are closed.
      ended.abort();
      await Promise.allSettled(opening.values());
      const all = [...open.values()];
      open.clear();
      await Promise.all(all.map((connection) => connection.close()));
    },
  };
}

export interface OpenLab {
  readonly record: LabRecord;
  readonly secrets: Secrets;
}

/** Finds the lab that a choice means: the named one, or the only one. Rejects with `lab-unknown`. */
export async function chooseLab(name: string | undefined): Promise<string> {
  const names = await labNames();
  if (name !== undefined) {
    if (names.includes(name)) return name;
    throw failure('lab-unknown', `There is no lab ${JSON.stringify(name)}.`);
  }
  const [only, ...others] = names;
  if (only === undefined)
    throw failure('lab-unknown', 'There is no lab.', { hint: '`flatland up` makes one.' });
  if (others.length > 0) {
    throw failure('lab-unknown', `There are ${names.length} labs: ${names.join(', ')}.`, {
      hint: 'Name the one you mean.',
    });
  }
  return only;
}

/** Reads what is remembered of a lab. Rejects with `lab-unknown` when it was never built far enough to be spoken to. */
export async function openLab(choice: string | undefined): Promise<OpenLab> {
  const name = await chooseLab(choice);
  const [record, secrets] = await Promise.all([readRecord(name), readSecrets(name)]);
  if (record === null || secrets === null) {
    throw failure('lab-unknown', `Lab ${name} is only half-built.`, {
      hint: 'Run `flatland up` to finish it or `flatland down` to remove it.',
    });
  }
  return { record, secrets };
}
