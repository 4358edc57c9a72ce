import { resolve } from 'node:path';
import { spawnProcess } from '../../test/spawned-process.ts';
import type { Contender } from '../contender.ts';
import { processTree } from '../process-memory.ts';
import { brokerUrl, fillCeleryQueue, idleLatencies } from './celery-messages.ts';
import { countResults } from './result-count.ts';

const SCRIPT = resolve(import.meta.dirname, '../scripts/celery-node-worker.mjs');

/** celery-node: one process, acknowledges before it runs, does not limit what it holds, does not await publishes. */
export const celeryNodeContender: Contender = {
  name: 'celery-node',
  guarantees: 'in process, ack before the run, result stored without waiting',
  brokers: ['redis', 'rabbitmq'],
  fill: fillCeleryQueue,
  done: (servers) => countResults(servers.backendUrl),
  async startWorker(broker, servers) {
    const startedAt = performance.now();
    const env = { BENCH_BROKER: brokerUrl(broker, servers), BENCH_BACKEND: servers.backendUrl };
    const worker = spawnProcess(process.execPath, [SCRIPT], { cwd: resolve(SCRIPT, '../../..'), env, group: true });
    await worker.line(/ready/, 30_000);
    const bootMs = performance.now() - startedAt;
    return { bootMs, pids: () => processTree(worker.pid), stop: async () => void (await worker.kill()) };
  },
  // Its sendTask is not awaited and loses publish errors: there is no like way to publish.
  publish: () => Promise.resolve(null),
  latencies: idleLatencies,
};
