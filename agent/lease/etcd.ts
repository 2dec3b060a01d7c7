import { posix } from 'node:path';
import { rootCertificates } from 'node:tls';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { ConstantBackoff, handleType, noop, retry } from 'cockatiel';
import {
  Etcd3,
  GRPCDeadlineExceededError,
  GRPCUnavailableError,
  type IEvent,
  type IKeyValue,
  type IOptions,
} from 'etcd3';
import type { Cidr } from '../../contract/ipv4.ts';
import { reasonOf } from '../reason.ts';
import { createAvoidance } from './avoid.ts';
import type { EntryChange, LeaseStore, StoredEntry, StoredWatch, Written } from './store.ts';
import { formatSubnetKey } from './value.ts';

export interface EtcdTarget {
  readonly endpoints: readonly string[];
  /** flannel's `etcd-prefix`. */
  readonly prefix: string;
  /** Without a client certificate flannel ignores the authority too. */
  readonly tls: {
    readonly authority: Buffer | null;
    readonly certificate: Buffer;
    readonly key: Buffer;
  } | null;
  readonly username: string;
  readonly password: string;
}

/** How long a call may take at first, and at most when etcd has turned out to be slow. */
const callMilliseconds = 3000;
const longestCallMilliseconds = 12_000;
/** No list of leases comes near this; grpc-js refuses more than 4 MiB unless it is told otherwise. */
const largestMessage = 256 * 1024 * 1024;

/**
 * How many milliseconds etcd is waited for. A call that was in vain leaves the next one twice as long, else an etcd that is
 * slower than our first patience would never be heard; an answer tells what is enough.
 */
function createPatience() {
  let milliseconds = callMilliseconds;
  const bounded = (wished: number) => Math.min(Math.max(wished, callMilliseconds), longestCallMilliseconds);
  return {
    milliseconds: () => milliseconds,
    answered(after: number): void {
      milliseconds = bounded(2 * after);
    },
    lost(): void {
      milliseconds = bounded(2 * milliseconds);
    },
  };
}

const isNoAnswer = (error: unknown): boolean =>
  error instanceof GRPCUnavailableError || error instanceof GRPCDeadlineExceededError;

/** A stranger who answers slowly costs a call its deadline, not the agent its life. */
function clientOptions(target: EtcdTarget, patience: () => number): IOptions {
  const secure = target.endpoints.every((endpoint) => endpoint.startsWith('https://'));
  const { tls } = target;
  const hosts = target.endpoints.map((endpoint) => endpoint.replace(/\/+$/, ''));
  return {
    hosts,
    ...(secure && tls !== null
      ? {
          credentials: {
            rootCertificate: tls.authority ?? Buffer.from(rootCertificates.join('\n')),
            privateKey: tls.key,
            certChain: tls.certificate,
          },
        }
      : {}),
    ...(target.username === '' ? {} : { auth: { username: target.username, password: target.password } }),
    grpcOptions: {
      // Without these a frozen member is noticed only when it thaws. More often than every 5 s etcd doesn't allow (its flag
      // grpc-keepalive-min-time).
      'grpc.keepalive_time_ms': 5500,
      // One that takes seconds for an answer takes as long for this one.
      'grpc.keepalive_timeout_ms': 4000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': largestMessage,
      // A proxy for the web must not come between a host and its etcd.
      'grpc.enable_http_proxy': 0,
    },
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + patience() }),
    faultHandling: {
      // A single member is asked every time, for there is no other.
      host: hosts.length === 1 ? () => noop : createAvoidance(hosts, isNoAnswer),
      // A member that is down costs no more than a try at the next one; all else is repeated by those who call.
      global:
        hosts.length > 1
          ? retry(handleType(GRPCUnavailableError), {
              maxAttempts: hosts.length - 1,
              backoff: new ConstantBackoff(0),
            })
          : noop,
    },
  };
}

/** Makes a member that is cut off from the others end the watch (etcd's WithRequireLeader), not keep silent. */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      // The metadata may be shared with other calls.
      const own = metadata.clone();
      own.set('hasleader', 'true');
      next(own, listener);
    },
  });

const entryOf = (prefix: string, { key, value, mod_revision, lease }: IKeyValue): StoredEntry => ({
  name: key.toString('utf8').slice(prefix.length),
  value: value.toString('utf8'),
  modRevision: Number(mod_revision),
  leaseId: lease === '0' ? null : lease,
});

const changeOf = (prefix: string, { type, kv }: IEvent): EntryChange => {
  const entry = entryOf(prefix, kv);
  // etcd3's types say `Delete`, its protocol file says `DELETE`.
  return type.toLowerCase() === 'delete'
    ? { kind: 'delete', name: entry.name, modRevision: entry.modRevision }
    : { kind: 'put', entry };
};

/** The key after the last one that has this prefix (etcd's API, RangeRequest.range_end). */
const rangeEnd = (prefix: string): Buffer => {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
};

/**
 * Opens etcd (API 3) as a store of leases. `onContact` hears null of every call that was answered and the reason of
 * every one that was not. Throws when the endpoints can't be used at all; an etcd that is down is no such case.
 */
export function openEtcd(target: EtcdTarget, onContact: (failure: string | null) => void): LeaseStore {
  const patience = createPatience();
  const client = new Etcd3(clientOptions(target, patience.milliseconds));
  const configKey = posix.join(target.prefix, 'config');
  const prefix = `${posix.join(target.prefix, 'subnets')}/`;
  const keyOf = (subnet: Cidr) => prefix + formatSubnetKey(subnet);
  const watches = new Set<StoredWatch>();

  const refused = (error: unknown): never => {
    const reason = reasonOf(error);
    if (error instanceof GRPCDeadlineExceededError) patience.lost();
    onContact(reason);
    throw new Error(reason, { cause: error });
  };
  const answered = async <T>(call: Promise<T>): Promise<T> => {
    const began = performance.now();
    const answer = await call.catch(refused);
    patience.answered(performance.now() - began);
    onContact(null);
    return answer;
  };
  const written = (response: { succeeded: boolean; header: { revision: string } }): Written =>
    response.succeeded
      ? { kind: 'written', revision: Number(response.header.revision) }
      : { kind: 'conflict' };

  // etcd3's own watcher reconnects by itself, says nothing after a compaction and never gives up on creating one;
  // on the bare stream all of that is one case, which the caller heals by listing again.
  const openWatch: LeaseStore['watch'] = async (after, onChanges, onBroken) => {
    const stream = await client.watchClient.watch({ interceptors: [requireLeader] });
    return new Promise<StoredWatch>((resolve, reject) => {
      let state: 'opening' | 'open' | 'over' = 'opening';
      const watch: StoredWatch = {
        close() {
          state = 'over';
          clearTimeout(timer);
          watches.delete(watch);
          stream.cancel();
        },
      };
      const broken = (reason: string) => {
        const before = state;
        if (before === 'over') return;
        watch.close();
        if (before === 'opening') {
          reject(new Error(reason));
          return;
        }
        onContact(reason);
        onBroken(reason);
      };
      const limit = patience.milliseconds();
      const timer = setTimeout(() => {
        patience.lost();
        broken(`no watch within ${limit / 1000} s`);
      }, limit);
      watches.add(watch);
      stream.on('error', (error) => broken(reasonOf(error)));
      stream.on('end', () => broken('etcd ended the watch'));
      stream.on('data', (response) => {
        if (state === 'over') return;
        if (response.canceled) {
          const compacted = Number(response.compact_revision) > 0;
          broken(compacted ? `etcd has compacted revision ${after + 1}` : response.cancel_reason);
          return;
        }
        onContact(null);
        if (state === 'opening') {
          // etcd would be silent until it has counted up to there.
          if (Number(response.header.revision) < after) {
            broken(`etcd is older than revision ${after}: it lost data, or this member lags behind`);
            return;
          }
          state = 'open';
          clearTimeout(timer);
          resolve(watch);
        }
        if (response.events.length > 0) onChanges(response.events.map((event) => changeOf(prefix, event)));
      });
      stream.write({
        create_request: {
          key: Buffer.from(prefix),
          range_end: rangeEnd(prefix),
          start_revision: after + 1,
          progress_notify: true,
        },
      });
    });
  };

  return {
    readConfig: () => answered(client.get(configKey).string()),

    async list() {
      const { header, kvs } = await answered(client.getAll().prefix(prefix).exec());
      return {
        clusterId: header.cluster_id,
        revision: Number(header.revision),
        entries: kvs.map((kv) => entryOf(prefix, kv)),
      };
    },

    async grant(seconds) {
      const { ID, TTL } = await answered(client.leaseClient.leaseGrant({ TTL: seconds }));
      return { leaseId: ID, seconds: Number(TTL) };
    },

    async secondsLeft(leaseId) {
      const { TTL } = await answered(client.leaseClient.leaseTimeToLive({ ID: leaseId }));
      return Number(TTL) > 0 ? Number(TTL) : null;
    },

    async dropLease(leaseId) {
      const { TTL, keys } = await answered(client.leaseClient.leaseTimeToLive({ ID: leaseId, keys: true }));
      if (Number(TTL) > 0 && keys.length === 0)
        await answered(client.leaseClient.leaseRevoke({ ID: leaseId }));
    },

    async create(subnet, value, leaseId) {
      const key = keyOf(subnet);
      const put = client.put(key).value(value).lease(leaseId);
      return written(await answered(client.if(key, 'Version', '==', 0).then(put).commit()));
    },

    async replace(subnet, value, leaseId, modRevision) {
      const key = keyOf(subnet);
      const put = client.put(key).value(value);
      const leased = leaseId === null ? put : put.lease(leaseId);
      return written(await answered(client.if(key, 'Mod', '==', modRevision).then(leased).commit()));
    },

    async remove(subnet, modRevision) {
      const key = keyOf(subnet);
      const removal = client.delete().key(key);
      return written(await answered(client.if(key, 'Mod', '==', modRevision).then(removal).commit()));
    },

    async watch(after, onChanges, onBroken) {
      // Each try goes to a member chosen at random, so that it is unlikely that all of them meet one that is down.
      const tries = target.endpoints.length === 1 ? 1 : 6 * target.endpoints.length;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await openWatch(after, onChanges, onBroken);
        } catch (error) {
          if (attempt < tries && reasonOf(error).includes('UNAVAILABLE')) continue;
          refused(error);
        }
      }
    },

    close() {
      for (const watch of [...watches]) watch.close();
      client.close();
    },
  };
}
