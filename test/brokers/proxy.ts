// A TCP proxy inside the test process, between a client and a broker: it can freeze, cut, delay and refuse.

import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

export interface ProxyServer {
  readonly port: number;
  /** The upstream URL with this proxy's host and port in it. */
  url(upstream: string): string;
  /** Connections open now. */
  readonly connections: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Stops forwarding in both directions; the sockets stay open and nothing is lost. */
  freeze(): void;
  thaw(): void;
  /** Destroys every connection with a reset; new ones are accepted. */
  cut(): void;
  /** Resets new connections at once until `accept`. */
  refuse(): void;
  accept(): void;
  /** Adds this much to the way there and to the way back of what is forwarded from now on; 0 ends it. */
  delay(milliseconds: number): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProxy(upstreamPort: number, upstreamHost = '127.0.0.1'): Promise<ProxyServer> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  let refusing = false;
  let delayMs = 0;
  let accepted = 0;

  const forward = (from: Socket, to: Socket): void => {
    let due = Promise.resolve();
    let late = 0;
    from.on('data', (chunk) => {
      // behind what is delayed still, also once nothing more is
      if (delayMs === 0 && late === 0) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      late++;
      const wait = new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      due = due.then(async () => {
        await wait;
        late--;
        if (!to.destroyed) to.write(chunk);
      });
    });
    to.on('drain', () => {
      if (!frozen) from.resume();
    });
    from.on('end', () => void due.then(() => to.end()));
    from.on('error', () => to.destroy());
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    accepted++;
    client.setNoDelay(true);
    const upstream = connect({ port: upstreamPort, host: upstreamHost, allowHalfOpen: true, noDelay: true });
    upstream.on('error', () => client.destroy());
    const pair = [client, upstream] as const;
    pairs.add(pair);
    forward(client, upstream);
    forward(upstream, client);
    if (frozen) for (const socket of pair) socket.pause();
    let open = 2;
    for (const socket of pair) {
      socket.once('close', () => {
        if (--open === 0) pairs.delete(pair);
      });
    }
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.end());
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  const each = (act: (socket: Socket) => void): void => {
    for (const pair of pairs) pair.forEach(act);
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      each((socket) => socket.destroy());
    });
  return {
    port,
    url: (upstream) => {
      const changed = new URL(upstream);
      changed.hostname = '127.0.0.1';
      changed.port = String(port);
      return changed.href;
    },
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    freeze: () => {
      frozen = true;
      each((socket) => socket.pause());
    },
    thaw: () => {
      frozen = false;
      each((socket) => socket.resume());
    },
    cut: () => each((socket) => socket.resetAndDestroy()),
    refuse: () => {
      refusing = true;
    },
    accept: () => {
      refusing = false;
    },
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
