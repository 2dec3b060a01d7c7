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
  addMember(peerUrl: string): Promise<void>;
  removeMember(id: string): Promise<void>;
  close(): Promise<void>;
}

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
    defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + 5000 }),
  });
  const explained = async <T>(what: string, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw failure('etcd-failed', `etcd on ${connection.name} did not ${what}: ${reason}`, { cause });
    }
  };
  return {
    get: (key) => explained(`answer for ${key}`, client.get(key).string()),
    put: async (key, value) => {
      await explained(`store ${key}`, client.put(key).value(value).exec());
    },
    remove: async (prefix) => {
      await explained(`remove ${prefix}`, client.delete().prefix(prefix).exec());
    },
    members: async () => {
      const { members } = await explained(
        'list its members',
        client.cluster.memberList({ linearizable: true }),
      );
      return members.map((member) => ({ id: member.ID, name: member.name, peerUrls: member.peerURLs }));
    },
    addMember: async (peerUrl) => {
      await explained(`add a member at ${peerUrl}`, client.cluster.memberAdd({ peerURLs: [peerUrl] }));
    },
    removeMember: async (id) => {
      await explained(`remove member ${id}`, client.cluster.memberRemove({ ID: id }));
    },
    close: async () => {
      client.close();
      await tunnel.close();
    },
  };
}
