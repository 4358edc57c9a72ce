import { resolve } from 'node:path';
import { Celery } from '@celeriac/producer';
import type { Contender } from '../contender.ts';
import { brokerUrl, fillCeleryQueue, idleLatencies, publishAdds } from './celery-messages.ts';
import { countResults } from './result-count.ts';
import { startWorker } from './start-worker.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Ours, as built: `celeriac worker`, prefork. */
export const celeriac: Contender = {
  name: 'celeriac',
  guarantees: 'process per slot, late ack, result stored, publishes confirmed',
  brokers: ['redis', 'rabbitmq'],
  fill: fillCeleryQueue,
  done: (servers) => countResults(servers.backendUrl),
  async startWorker(broker, servers) {
    return await startWorker(
      process.execPath,
      [
        ...[resolve(ROOT, 'packages/cli/dist/main.js'), 'worker', '-A', resolve(ROOT, 'bench/scripts/tasks.ts'), '-c', '2'],
        ...['-b', brokerUrl(broker, servers), '--result-backend', servers.backendUrl, '-n', 'bench@%h', '-l', 'warn'],
      ],
      { cwd: ROOT, readyLine: /ready/, readyTimeoutMs: 30_000, end: (worker) => worker.stop() },
    );
  },
  async publish(way, broker, servers, count) {
    await using app = new Celery({ broker: brokerUrl(broker, servers) });
    const add = app.task<(x: number, y: number) => number>('tasks.add');
    await add.delay(0, 0);
    const startedAt = performance.now();
    if (way === 'batch') await publishAdds(app, count);
    else for (let index = 0; index < count; index += 1) await add.delay(index, index);
    return (count * 1000) / (performance.now() - startedAt);
  },
  latencies: idleLatencies,
};
