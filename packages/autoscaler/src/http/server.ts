import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { Autoscaler } from '../autoscaler.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { createMetrics, type MetricsIdentity } from './metrics.ts';

/** The autoscaler's HTTP side. */
export interface AutoscalerHttp {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface AutoscalerHttpOptions {
  readonly autoscaler: Autoscaler;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 9810; 0 takes a free one. */
  readonly port?: number;
  readonly identity: MetricsIdentity;
  readonly logger: Logger;
}

/** A pool as `/api/pools` lists it. */
export interface PoolSummary {
  readonly pool: string;
  readonly replicas: number;
  readonly wanted: number;
  readonly reason: string;
  readonly text: string;
  readonly mode: string;
  readonly min: number;
  readonly max: number;
  /** Null where a depth is unknown. */
  readonly waiting: number | null;
  readonly running: number;
}

/**
 * Serves `/livez`, `/readyz`, `/metrics`, `/api/pools`, `/api/pools/:name/explain`, `/api/journal` (`?pool=`, `?limit=`) and
 * `/api/journal/stream` as server-sent events. Reads only. Rejects with CELERIAC_E_CONFIG where the address cannot be had.
 */
export async function serveAutoscaler(options: AutoscalerHttpOptions): Promise<AutoscalerHttp> {
  const { autoscaler, host = '127.0.0.1', port = 9810, logger } = options;
  const metrics = await createMetrics(autoscaler, options.identity);
  const unsubscribe = autoscaler.onTick((tick) => metrics.observe(tick));
  const server: Server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      logger.warn({ err: error, url: request.url }, 'request failed');
      if (!response.headersSent) sendJson(response, 500, { error: 'internal error' });
      else response.destroy();
    });
  });

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://autoscaler');
    const explained = /^\/api\/pools\/([^/]+)\/explain$/.exec(url.pathname)?.[1];
    if (request.method !== 'GET' && request.method !== 'HEAD') sendJson(response, 405, { error: 'read only' });
    else if (explained === undefined) await respondAt(url, request, response);
    else sendExplanation(response, autoscaler, explained);
  };
  const respondAt = async (url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    switch (url.pathname) {
      case '/livez':
        return sendText(response, 200, 'ok\n');
      case '/readyz':
        return autoscaler.ready ? sendText(response, 200, 'ok\n') : sendText(response, 503, 'signals missing\n');
      case '/metrics':
        response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.render());
        return;
      case '/api/pools':
        return sendJson(response, 200, { pools: [...autoscaler.pools.values()].map(summary) });
      case '/api/journal':
        return sendJson(response, 200, { records: autoscaler.journal.latest(journalQuery(url)) });
      case '/api/journal/stream':
        return stream(request, response, autoscaler, url.searchParams.get('pool'));
      default:
        return sendJson(response, 404, { error: 'not found' });
    }
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CeleriacError('CELERIAC_E_CONFIG', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close() {
      unsubscribe();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function summary(tick: PoolTick): PoolSummary {
  const { decision, pool } = tick;
  const depths = Object.values(decision.evidence.ready);
  return {
    pool,
    replicas: decision.from,
    wanted: decision.to,
    reason: decision.reason,
    text: decision.text,
    mode: tick.spec.mode,
    min: tick.spec.min,
    max: tick.spec.max,
    waiting: depths.some((depth) => depth === null) ? null : depths.reduce<number>((sum, depth) => sum + (depth ?? 0), 0),
    running: decision.evidence.active,
  };
}

function journalQuery(url: URL): { pool?: string; limit?: number } {
  const pool = url.searchParams.get('pool');
  const limit = Number(url.searchParams.get('limit') ?? Number.NaN);
  return { ...(pool === null ? {} : { pool }), ...(Number.isSafeInteger(limit) && limit > 0 ? { limit } : {}) };
}

function sendExplanation(response: ServerResponse, autoscaler: Autoscaler, encoded: string): void {
  // Pool names need no encoding.
  const pool = encoded;
  const explanation = autoscaler.explain(pool);
  if (explanation !== undefined) sendJson(response, 200, explanation);
  else sendJson(response, 404, { error: `no pool ${pool}, or it has not decided yet`, pools: [...autoscaler.pools.keys()] });
}

function stream(request: IncomingMessage, response: ServerResponse, autoscaler: Autoscaler, pool: string | null): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'keep-alive' });
  response.write(': journal\n\n');
  const unsubscribe = autoscaler.journal.subscribe((record) => {
    if (pool !== null && record.pool !== pool) return;
    // A reader that does not read is dropped rather than kept in memory.
    if (response.writableLength > 1_048_576) response.destroy();
    else response.write(`id: ${record.seq}\nevent: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`);
  });
  request.once('close', unsubscribe);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}
