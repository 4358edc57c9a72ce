import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@celeriac/brokers';
import type { Autoscaler } from '../autoscaler.ts';
import type { TaskEvents } from '../celery-metrics/serve-celery-metrics.ts';
import { sendJson, sendText } from './answer.ts';
import { streamJournal } from './journal-stream.ts';
import { sendKeda } from './keda-answer.ts';
import { listen } from './listen.ts';
import { createMetrics } from './metrics.ts';
import type { MetricsIdentity } from './metrics-part.ts';
import { type PoolSummary, poolSummary } from './pool-summary.ts';
import { sendNoPool, sendStandby } from './refusals.ts';
import { sendPieces } from './send-pieces.ts';
import { takeOrder } from './take-order.ts';
import { createWriteAccess } from './write-access.ts';

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
  /** What task events say, where they are listened to. */
  readonly events?: TaskEvents | undefined;
  /** A file with the token by which others than this machine may order; undefined lets only this machine. */
  readonly tokenFile?: string | undefined;
  /** How often a silent stream says that it is alive, ms. Default 15 s. */
  readonly heartbeatMs?: number;
  readonly logger: Logger;
}

const HEARTBEAT_MS = 15_000;

/**
 * Serves `/livez`, `/readyz`, `/metrics`, `/api/state`, `/api/pools`, `/api/pools/:name`, `/api/pools/:name/explain`, `/api/keda/:name`,
 * `/api/journal` (`?pool=`, `?limit=`) and `/api/journal/stream` as server-sent events; takes `POST /api/pools/:name/orders`. Rejects with
 * CELERIAC_E_CONFIG where the address cannot be had or the token cannot be read.
 */
export async function serveAutoscaler(options: AutoscalerHttpOptions): Promise<AutoscalerHttp> {
  const { autoscaler, host = '127.0.0.1', port = 9810, logger } = options;
  const access = await createWriteAccess(options.tokenFile);
  const metrics = await createMetrics(autoscaler, options.identity, options.events);
  const unsubscribe = autoscaler.onTick((tick) => metrics.observe(tick));
  const server: Server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      logger.warn({ err: error, url: request.url }, 'request failed');
      if (!response.headersSent) sendJson(response, 500, { error: 'internal error' });
      else response.destroy();
    });
  });

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = URL.parse(request.url ?? '/', 'http://autoscaler');
    if (url === null) return sendJson(response, 400, { error: 'no such address' });
    // Names of pools need no encoding.
    const [, pool, what = ''] = /^\/api\/pools\/([^/]+)(?:\/(explain|orders))?$/.exec(url.pathname) ?? [];
    const isOrder = pool !== undefined && what === 'orders';
    if (isOrder && request.method === 'POST') return takeOrder(request, response, { autoscaler, access, logger, pool });
    const allowed = isOrder ? ['POST'] : ['GET', 'HEAD'];
    if (!allowed.includes(request.method ?? '')) {
      return sendJson(response, 405, { error: isOrder ? 'POST an order' : 'read only' }, { allow: allowed.join(', ') });
    }
    if (pool !== undefined) return sendPool(response, autoscaler, pool, what);
    const [, scaledByKeda] = /^\/api\/keda\/([^/]+)$/.exec(url.pathname) ?? [];
    if (scaledByKeda !== undefined) return sendKeda(response, autoscaler, scaledByKeda);
    return respondAt(url, request, response);
  };
  const respondAt = async (url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    switch (url.pathname) {
      case '/livez':
        return sendText(response, 200, 'ok\n');
      case '/readyz':
        // One that stands by is as ready as it can be: it must not hold up a rollout.
        if (!autoscaler.lease.held) return sendText(response, 200, 'standby\n');
        return autoscaler.ready ? sendText(response, 200, 'ok\n') : sendText(response, 503, 'signals missing\n');
      case '/metrics':
        // sent with the first piece
        response.setHeader('content-type', metrics.contentType);
        return sendPieces(response, metrics.render());
      case '/api/state':
        return sendJson(response, 200, {
          ...listing(autoscaler),
          version: options.identity.version,
          nowMs: autoscaler.nowMs,
          ready: autoscaler.ready,
        });
      case '/api/pools':
        return sendJson(response, 200, listing(autoscaler));
      case '/api/journal':
        return sendJson(response, 200, { life: autoscaler.journal.life, records: autoscaler.journal.latest(journalQuery(url)) });
      case '/api/journal/stream': {
        const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
        return streamJournal(request, response, { journal: autoscaler.journal, pool: url.searchParams.get('pool'), heartbeatMs });
      }
      default:
        return sendJson(response, 404, { error: 'not found' });
    }
  };

  await listen(server, host, port);
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

/** What `/api/pools` answers: every pool that has decided, and whether what it says is of now. */
function listing(autoscaler: Autoscaler): { readonly pools: readonly PoolSummary[]; readonly lease: Autoscaler['lease'] } {
  return { pools: [...autoscaler.pools.values()].map(poolSummary), lease: autoscaler.lease };
}

function journalQuery(url: URL): { pool?: string; limit?: number } {
  const pool = url.searchParams.get('pool');
  const limit = Number(url.searchParams.get('limit') ?? Number.NaN);
  return { ...(pool === null ? {} : { pool }), ...(Number.isSafeInteger(limit) && limit > 0 ? { limit } : {}) };
}

function sendPool(response: ServerResponse, autoscaler: Autoscaler, pool: string, what: string): void {
  const tick = autoscaler.pools.get(pool);
  if (!autoscaler.poolNames.includes(pool)) sendNoPool(response, autoscaler, pool);
  else if (!autoscaler.lease.held) sendStandby(response, autoscaler);
  else if (tick === undefined) sendJson(response, 503, { error: `pool ${pool} has not decided yet` });
  else if (what === 'explain') sendJson(response, 200, autoscaler.explain(pool));
  else {
    const { spec, atMs, seen, decision } = tick;
    sendJson(response, 200, { ...poolSummary(tick), atMs, spec, seen, decision, explanation: autoscaler.explain(pool) });
  }
}
