import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import type { Connection } from '../host/connection.ts';

/** Where Docker of a host finds the way to a registry; its unit names this port of its own loopback as its proxy. */
const registryProxyPort = 8118;

/**
 * Lends a host this machine's own way to registries while `work` runs: an HTTP proxy (RFC 9110, section 9.3.6) that
 * Docker reaches through the SSH connection, so that neither side needs a route or a firewall rule for it. While another
 * command lends it already, that one serves both.
 */
export async function withRegistryProxy<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const proxy = createServer((incoming, answer) => {
    const { method, url = '', headers } = incoming;
    const fail = () => answer.writeHead(502).end();
    if (!URL.canParse(url)) {
      fail();
      return;
    }
    const outgoing = request(url, { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', fail);
    incoming.pipe(outgoing);
  });
  proxy.on('connect', ({ url = '' }, client, head) => {
    const target = URL.canParse(`tcp://${url}`) ? new URL(`tcp://${url}`) : null;
    const socket = connect(Number(target?.port || 443), target?.hostname ?? '');
    socket.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.write(head);
      client.pipe(socket).pipe(client);
    });
    socket.on('error', () => client.destroy());
    client.on('error', () => socket.destroy());
    client.on('close', () => socket.destroy());
    socket.on('close', () => client.destroy());
  });
  const served = await connection.serve(registryProxyPort, (stream) => proxy.emit('connection', stream));
  try {
    return await work();
  } finally {
    await served?.close();
    proxy.closeAllConnections();
  }
}
