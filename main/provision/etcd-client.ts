import { setTimeout as sleep } from 'node:timers/promises';
import { noop } from 'cockatiel';
import type { Lab } from '../../contract/lab.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import type { Credentials } from './certificates.ts';

/** A member as the cluster itself lists it. `name` is empty until the member has started for the first time. */
export interface EtcdMember {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface EtcdClient {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
  remove(prefix: string): Promise<void>;
  members(): Promise<EtcdMember[]>;
  /** Waits while the cluster takes no new member, as it does for 5 s after the last one joined; at most for 30 s. */
  addMember(peerUrl: string, signal: AbortSignal): Promise<void>;
  removeMember(id: string): Promise<void>;
  close(): Promise<void>;
}

/** What is soon over and was not done for certain: an election, or a member that joined just now (etcd's HealthInterval). */
const passing = /unhealthy cluster|not enough started members|no leader/;

/** Loads the etcd library, which takes a tenth of a second, ahead of its first use. */
export const loadEtcdLibrary = () => import('./etcd-library.ts');

/** Speaks to the member on that host through its connection; every call has a deadline. */
export async function openEtcd(
  connection: Connection,
  lab: Lab,
  memberAddress: string,
  authority: string,
  credentials: Credentials,
): Promise<EtcdClient> {
  const { Etcd3 } = await loadEtcdLibrary();
  const tunnel = await connection.forward(memberAddress, 2379);
  const client = new Etcd3({
    hosts: `${lab.etcd.tls ? 'https' : 'http'}://127.0.0.1:${tunnel.port}`,
    ...(lab.etcd.tls
      ? {
          // The tunnel ends on loopback here, so the member is known by its name.
          grpcOptions: { 'grpc.ssl_target_name_override': connection.name },
          credentials: {
            rootCertificate: Buffer.from(authority),
            privateKey: Buffer.from(credentials.privateKey),
            certChain: Buffer.from(credentials.certificate),
          },
        }
      : {}),
    // The library would try three times, each until the deadline, and then refuse for 5 s to try at all.
    faultHandling: { host: () => noop, global: noop },
    defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + 5000 }),
  });
  const explained = async <T>(
    what: string,
    call: () => Promise<T>,
    patience: { readonly seconds: number; readonly signal?: AbortSignal } = { seconds: 5 },
  ): Promise<T> => {
    const deadline = Date.now() + patience.seconds * 1000;
    for (;;) {
      patience.signal?.throwIfAborted();
      try {
        return await call();
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        if (!passing.test(reason) || Date.now() > deadline)
          throw failure('etcd-failed', `etcd on ${connection.name} did not ${what}: ${reason}`, { cause });
      }
      await sleep(200);
    }
  };
  return {
    get: (key) => explained(`answer for ${key}`, () => client.get(key).string()),
    put: async (key, value) => {
      await explained(`store ${key}`, () => client.put(key).value(value).exec());
    },
    remove: async (prefix) => {
      await explained(`remove ${prefix}`, () => client.delete().prefix(prefix).exec());
    },
    members: async () => {
      const { members } = await explained('list its members', () =>
        client.cluster.memberList({ linearizable: true }),
      );
      return members.map((member) => ({ id: member.ID, name: member.name, peerUrls: member.peerURLs }));
    },
    addMember: async (peerUrl, signal) => {
      const add = () => client.cluster.memberAdd({ peerURLs: [peerUrl] });
      await explained(`add a member at ${peerUrl}`, add, { seconds: 30, signal });
    },
    removeMember: async (id) => {
      await explained(`remove member ${id}`, () => client.cluster.memberRemove({ ID: id }));
    },
    close: async () => {
      client.close();
      await tunnel.close();
    },
  };
}
