import { setTimeout as pause } from 'node:timers/promises';
import { createResultBackend, createTransport, type ResultBackend, type Transport } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import type { WorkerSettings } from './worker-settings.ts';

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

/** The clients of broker and backend. Nothing is connected yet. */
export interface Clients {
  readonly transport: Transport;
  readonly backend: ResultBackend | null;
}

/** Makes the clients; their drivers are loaded side by side. */
export async function createClients({ options, logger }: WorkerSettings): Promise<Clients> {
  const { broker, backend, strict, resultExpires, brokerTransportOptions, resultBackendTransportOptions } = options;
  const [transport, results] = await Promise.all([
    typeof broker === 'string'
      ? createTransport({
          url: broker,
          logger,
          ...(strict === undefined ? {} : { strict }),
          ...(brokerTransportOptions === undefined ? {} : { transportOptions: brokerTransportOptions }),
        })
      : broker,
    typeof backend === 'string'
      ? createResultBackend({
          url: backend,
          logger,
          ...(resultExpires === undefined ? {} : { resultExpires }),
          ...(resultBackendTransportOptions === undefined ? {} : { transportOptions: resultBackendTransportOptions }),
        })
      : (backend ?? null),
  ]);
  return { transport, backend: results };
}

/** Does something that needs the broker, again and again while the broker is away, until it is done or the signal aborts. */
export async function whenBrokerIsThere<T>(settings: WorkerSettings, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    try {
      return await action();
    } catch (error) {
      if (!isCeleriacError(error, 'CELERIAC_E_CONNECTION') || signal.aborted) throw error;
      settings.logger.warn({ err: error, pauseMs }, 'the broker is not there; trying again');
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}
