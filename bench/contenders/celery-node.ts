import { resolve } from 'node:path';
import type { Contender } from '../contender.ts';
import { brokerUrl, fillCeleryQueue, idleLatencies } from './celery-messages.ts';
import { countResults } from './result-count.ts';
import { startWorker } from './start-worker.ts';

const SCRIPT = resolve(import.meta.dirname, '../scripts/celery-node-worker.mjs');

/** celery-node: one process, acknowledges before it runs, does not limit what it holds, does not await publishes. */
export const celeryNodeContender: Contender = {
  name: 'celery-node',
  guarantees: 'in process, ack before the run, result stored without waiting',
  brokers: ['redis', 'rabbitmq'],
  fill: fillCeleryQueue,
  done: (servers) => countResults(servers.backendUrl),
  async startWorker(broker, servers) {
    const env = { BENCH_BROKER: brokerUrl(broker, servers), BENCH_BACKEND: servers.backendUrl };
    return await startWorker(process.execPath, [SCRIPT], {
      cwd: resolve(SCRIPT, '../../..'),
      env,
      readyLine: /ready/,
      readyTimeoutMs: 30_000,
      end: (worker) => worker.kill(),
    });
  },
  // Its sendTask is not awaited and loses publish errors: there is no like way to publish.
  publish: () => Promise.resolve(null),
  latencies: idleLatencies,
};
