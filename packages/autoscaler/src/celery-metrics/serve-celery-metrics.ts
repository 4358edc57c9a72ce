import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bus, createControlClient, type Logger, type Transport } from '@celeriac/brokers';
import type { Autoscaler } from '../autoscaler.ts';
import { listen } from '../http/listen.ts';
import { sendPieces } from '../http/send-pieces.ts';
import { createEventCounts } from './event-counts.ts';
import { createEventStream } from './event-stream.ts';
import { CELERY_CONTENT_TYPE, celeryPage } from './exposition.ts';
import { createFleetSurvey } from './fleet-survey.ts';
import type { QueueFlow } from './queue-flow.ts';

/** `celery_*` as celery-exporter serves them, from the events of all workers. */
export interface CeleryMetrics {
  readonly host: string;
  readonly port: number;
  /** What the same events say for our own metrics. */
  readonly events: TaskEvents;
  close(): Promise<void>;
}

/** What has been counted from events, and what has not. */
export interface TaskEvents {
  readonly flow: QueueFlow;
  /** Events read. */
  readonly taken: number;
  /** What was left out: messages there was no time for, events that would have made one series too many. */
  readonly dropped: { readonly rate: number; readonly series: number };
  /** Samples that tasks take on the page. */
  readonly series: number;
}

export interface CeleryMetricsOptions {
  readonly autoscaler: Pick<Autoscaler, 'lease' | 'nowMs' | 'poolOf' | 'queues'>;
  readonly transport: Pick<Transport, 'bus' | 'queues' | 'traits'>;
  /** What events come by, best over a connection of its own, so that a flood of them stands in nobody's way. Default: the transport's. */
  readonly eventBus?: Bus;
  readonly host: string;
  /** 0 takes a free one. celery-exporter has 9808. */
  readonly port: number;
  /** What the label `hostname` says. Default `host`: the part of the node name behind its `@`, as celery-exporter. */
  readonly hostnameLabel?: 'host' | 'pool';
  /** Samples of tasks on the page at most. Default 100,000. */
  readonly mostSeries?: number;
  readonly logger: Logger;
}

const SWEEP_MS = 30_000;

/**
 * Serves `/metrics` and `/health`, and begins to listen for events. Every autoscaler of a group counts, so that whoever takes over knows;
 * only the one that holds the lease shows series. Rejects with CELERIAC_E_CONFIG where the address cannot be had.
 */
export async function serveCeleryMetrics(options: CeleryMetricsOptions): Promise<CeleryMetrics> {
  const { autoscaler, transport, logger, hostnameLabel = 'host' } = options;
  const onlyQueues = new Map(
    [...autoscaler.queues].flatMap(([pool, queues]) => (queues.length === 1 ? [[pool, queues[0] as string]] : [])),
  );
  const labels = {
    poolOf: (nodename: string) => autoscaler.poolOf(nodename),
    onlyQueueOf: (pool: string) => onlyQueues.get(pool),
    hostnameLabel,
  };
  const counts = createEventCounts(labels, options.mostSeries);
  const control = createControlClient({ bus: transport.bus });
  const survey = createFleetSurvey({
    control,
    admin: transport.queues,
    queues: [...autoscaler.queues.values()].flat(),
    online: () => counts.hosts.online,
    now: () => autoscaler.nowMs,
  });
  const stream = createEventStream({
    bus: options.eventBus ?? transport.bus,
    logger,
    onEvent: (event) => counts.take(event, autoscaler.nowMs),
    // As every receiver of events, so that workers that have nothing else to say are known at once.
    onListening: () => void control.cast('heartbeat').catch((error: unknown) => logger.debug({ err: error }, 'heartbeats not asked for')),
  });
  const page = async (response: ServerResponse): Promise<void> => {
    counts.sweep(autoscaler.nowMs);
    const queues = autoscaler.lease.held ? await survey.read() : new Map();
    // Who lost the lease while he asked shows nothing either.
    const shows = autoscaler.lease.held;
    const rows = shows ? counts.series.rows : new Map();
    const hosts = shows ? counts.hosts.look() : new Map();
    response.writeHead(200, { 'content-type': CELERY_CONTENT_TYPE });
    await sendPieces(response, celeryPage({ rows, hosts, queues: shows ? queues : new Map() }));
  };
  const respond = async (path: string, response: ServerResponse): Promise<void> => {
    if (path === '/metrics') return page(response);
    if (path === '/health') return answerHealth(response, stream.listening, transport);
    response.writeHead(path === '/' ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' }).end('there are /metrics and /health\n');
  };
  const server: Server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    respond((request.url ?? '/').split('?', 1)[0] ?? '/', response).catch((error: unknown) => {
      logger.warn({ err: error, url: request.url }, 'request for metrics failed');
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end('internal error\n');
    });
  });
  await listen(server, options.host, options.port);
  stream.start();
  const sweep = setInterval(() => counts.sweep(autoscaler.nowMs), SWEEP_MS);
  sweep.unref();
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    events: {
      flow: counts.flow,
      get taken() {
        return stream.taken;
      },
      get dropped() {
        return { rate: stream.unread, series: counts.dropped };
      },
      get series() {
        return counts.series.size;
      },
    },
    async close() {
      clearInterval(sweep);
      server.closeAllConnections();
      await Promise.all([stream.close(), new Promise<void>((resolve) => server.close(() => resolve()))]);
    },
  };
}

function answerHealth(response: ServerResponse, listening: boolean, { traits }: Pick<Transport, 'traits'>): void {
  const broker = `${traits.name}://${traits.hostname}:${traits.port}/${traits.virtualHost.replace(/^\//, '')}`;
  response
    .writeHead(listening ? 200 : 500, { 'content-type': 'text/plain; charset=utf-8' })
    .end(listening ? `Connected to the broker ${broker}` : `Failed to connect to broker: '${broker}'`);
}
