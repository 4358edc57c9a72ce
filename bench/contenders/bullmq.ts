import { resolve } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import type { Contender, Servers } from '../contender.ts';
import { connectionTo } from './result-count.ts';
import { startWorker } from './start-worker.ts';

const SCRIPT = resolve(import.meta.dirname, '../scripts/bullmq-worker.mjs');
const CHUNK = 1_000;

async function withQueue<T>(servers: Servers, act: (queue: Queue) => Promise<T>): Promise<T> {
  const queue = new Queue('bench', { connection: { host: '127.0.0.1', port: servers.redisPort } });
  try {
    return await act(queue);
  } finally {
    await queue.close();
  }
}

async function addBulk(queue: Queue, count: number): Promise<void> {
  for (let from = 0; from < count; from += CHUNK) {
    const jobs = Array.from({ length: Math.min(CHUNK, count - from) }, (_, index) => ({ name: 'add', data: { x: index, y: index } }));
    await queue.addBulk(jobs);
  }
}

/** BullMQ 6 with sandboxed processors: a process per slot, its own message format, results kept in the job. */
export const bullmq: Contender = {
  name: 'bullmq sandboxed',
  guarantees: 'process per slot, lock per job, result kept in the job',
  brokers: ['redis'],
  fill: (_broker, servers, count) => withQueue(servers, (queue) => addBulk(queue, count)),
  done: (servers) => connectionTo(servers.redisUrl).zcard('bull:bench:completed'),
  async startWorker(_broker, servers) {
    const env = { BENCH_PORT: String(servers.redisPort) };
    return await startWorker(process.execPath, [SCRIPT], {
      cwd: resolve(SCRIPT, '../../..'),
      env,
      readyLine: /ready/,
      readyTimeoutMs: 30_000,
      end: (worker) => worker.kill(),
    });
  },
  publish: (way, _broker, servers, count) =>
    withQueue(servers, async (queue) => {
      await queue.add('add', { x: 0, y: 0 });
      const startedAt = performance.now();
      if (way === 'batch') await addBulk(queue, count);
      else for (let index = 0; index < count; index += 1) await queue.add('add', { x: index, y: index });
      return (count * 1000) / (performance.now() - startedAt);
    }),
  latencies: (_broker, servers, count) =>
    withQueue(servers, async (queue) => {
      const events = new QueueEvents('bench', { connection: { host: '127.0.0.1', port: servers.redisPort } });
      await events.waitUntilReady();
      const latencies: number[] = [];
      for (let index = 0; index < count; index += 1) {
        const calledAt = Number(process.hrtime.bigint()) / 1e6;
        const job = await queue.add('now', {});
        latencies.push(Number(await job.waitUntilFinished(events, 10_000)) - calledAt);
      }
      await events.close();
      return latencies;
    }),
};
