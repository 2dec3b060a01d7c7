import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** A way to an etcd that can be made slow or cut. */
export interface TestProxy {
  readonly endpoint: string;
  /** Holds back what the server says for so many milliseconds. */
  delay(milliseconds: number): void;
  /** Lets nothing through, in silence as a broken network does; new connections are taken and get no answer. */
  cut(): void;
  /** Ends what was cut, and lets all through from now on. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy on a port of 127.0.0.1 before a TCP port or a Unix socket. */
export async function startTestProxy(target: NetConnectOpts): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  let milliseconds = 0;
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = keep(connect(target));
    client.on('close', () => upstream.destroy());
    // After what it has said before.
    upstream.on('close', () => setTimeout(() => client.destroy(), milliseconds));
    client.on('data', (chunk) => {
      if (!isCut) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      setTimeout(() => {
        if (!isCut) client.write(chunk);
      }, milliseconds);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    delay(wished) {
      milliseconds = wished;
    },
    cut() {
      isCut = true;
    },
    heal() {
      isCut = false;
      // What was lost in between can't be made up for.
      endAll();
    },
    async close() {
      endAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
