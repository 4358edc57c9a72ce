import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CeleriacError } from '@celeriac/protocol';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Why the worker cannot take tasks now, null when it can. */
  readonly notReady: () => string | null;
  /** The metrics page and its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/livez` (the process answers; says nothing of the broker), `/readyz` and `/metrics`. Rejects with CELERIAC_E_CONFIG where the
 * address cannot be listened on.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET');
    if (path === '/livez') return send(response, 200, 'ok');
    if (path === '/readyz') {
      const why = options.notReady();
      return why === null ? send(response, 200, 'ok') : send(response, 503, why);
    }
    if (path !== '/metrics') return send(response, 404, 'there are /livez, /readyz and /metrics');
    options.metrics().then(
      ({ contentType, text }) => send(response, 200, text, contentType),
      (error: unknown) => send(response, 500, error instanceof Error ? error.message : String(error)),
    );
  });
  server.requestTimeout = 10_000;
  await listen(server, options.host, options.port);
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new CeleriacError('CELERIAC_E_CONFIG', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

function send(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(contentType.startsWith('text/plain; charset') ? `${text}\n` : text);
}
