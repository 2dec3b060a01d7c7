import { Agent, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecurely, Agent as SecureAgent } from 'node:https';
import { z } from 'zod';
import type { Lab } from '../../contract/lab.ts';
import type { EtcdMember } from '../../contract/live.ts';
import type { Connection } from '../host/connection.ts';
import type { Credentials } from './certificates.ts';

/** etcd's JSON gateway writes 64-bit numbers as text, and leaves out what is zero (api/v3rpc, proto3 JSON). */
const wholeNumber = z.string().regex(/^\d+$/).transform(Number).default(0);
const statusAnswer = z.object({
  header: z.object({ member_id: z.string() }),
  version: z.string(),
  dbSize: wholeNumber,
  leader: z.string().optional(),
  raftTerm: wholeNumber,
});

const largestAnswer = 64 * 1024;

/** What a member says of itself, in etcd's own words (POST /v3/maintenance/status). Throws for what is no such answer. */
export function parseMemberStatus(text: string, name: string, latencyMilliseconds: number): EtcdMember {
  const { header, version, dbSize, leader, raftTerm } = statusAnswer.parse(JSON.parse(text));
  return {
    name,
    leader: leader === header.member_id,
    term: raftTerm,
    version,
    databaseBytes: dbSize,
    latencyMilliseconds: Math.round(latencyMilliseconds * 100) / 100,
  };
}

export interface MemberStatusReader {
  /** Rejects when there is no answer until `signal` fires. */
  read(signal: AbortSignal): Promise<EtcdMember>;
  close(): Promise<void>;
}

/**
 * Asks the member on a host for its status, over one connection that is kept: a fraction of what a client of etcd's own
 * protocol costs. `address` is the host's on the underlay.
 */
export async function openMemberStatus(
  connection: Connection,
  lab: Lab,
  address: string,
  authority: string,
  credentials: Credentials,
): Promise<MemberStatusReader> {
  const tunnel = await connection.forward(address, 2379);
  const agent = lab.etcd.tls
    ? new SecureAgent({ keepAlive: true, maxSockets: 1 })
    : new Agent({ keepAlive: true, maxSockets: 1 });
  const options: RequestOptions = {
    agent,
    host: '127.0.0.1',
    port: tunnel.port,
    method: 'POST',
    path: '/v3/maintenance/status',
    headers: { 'content-type': 'application/json' },
  };
  // The tunnel ends on loopback here, so the member is known by its name.
  const secret = {
    servername: connection.name,
    ca: authority,
    cert: credentials.certificate,
    key: credentials.privateKey,
  };
  const ask = (signal: AbortSignal): Promise<{ text: string; milliseconds: number; reused: boolean }> =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const request = lab.etcd.tls
        ? requestSecurely({ ...options, ...secret, signal })
        : requestPlain({ ...options, signal });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > largestAnswer) request.destroy(new Error('etcd answered too much'));
        });
        response.on('error', reject);
        response.on('end', () => {
          const milliseconds = performance.now() - began;
          if (response.statusCode === 200) resolve({ text, milliseconds, reused: request.reusedSocket });
          else reject(new Error(`etcd answered with ${response.statusCode}`));
        });
      });
      request.end('{}');
    });
  return {
    async read(signal) {
      const first = await ask(signal);
      // The first request of a connection also waits for its handshake.
      const { text, milliseconds } = first.reused ? first : await ask(signal);
      return parseMemberStatus(text, connection.name, milliseconds);
    },
    async close() {
      agent.destroy();
      await tunnel.close();
    },
  };
}
