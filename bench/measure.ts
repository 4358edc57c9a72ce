import { setTimeout as pause } from 'node:timers/promises';
import type { BrokerName, Contender, Servers } from './contender.ts';
import { connectionTo } from './contenders/result-count.ts';
import { pssMib } from './process-memory.ts';
import { quantile } from './statistics.ts';

export interface WorkerFigures {
  readonly tasksPerS: number;
  readonly bootMs: number;
  /** Proportional set size under load, worker and children. */
  readonly pssMib: number;
}

/** Empties both Redis databases and, on RabbitMQ, the queue. */
export async function clean(servers: Servers, purgeRabbitmq: () => Promise<void>): Promise<void> {
  await connectionTo(servers.redisUrl).flushall();
  await purgeRabbitmq();
}

/**
 * Fills the queue, starts the worker and measures from its first tenth to its last task by counting stored results, so that boot and
 * the observer do not count.
 */
export async function measureWorker(contender: Contender, broker: BrokerName, servers: Servers, count: number): Promise<WorkerFigures> {
  await contender.fill(broker, servers, count);
  const worker = await contender.startWorker(broker, servers);
  try {
    let first: { at: number; done: number } | undefined;
    let memory = 0;
    const giveUpAt = performance.now() + 300_000;
    for (;;) {
      const done = await contender.done(servers);
      const at = performance.now();
      if (first === undefined && done >= count / 10) {
        first = { at, done };
        memory = pssMib(worker.pids());
      }
      if (first !== undefined && done >= count) {
        return { tasksPerS: ((done - first.done) * 1000) / (at - first.at), bootMs: worker.bootMs, pssMib: memory };
      }
      if (at > giveUpAt) throw new Error(`${contender.name} on ${broker}: ${done} of ${count} tasks done within 300 s`);
      await pause(5);
    }
  } finally {
    await worker.stop();
  }
}

/** Median and 99th percentile of the idle latency; the first tenth warms up and does not count. */
export async function measureLatency(
  contender: Contender,
  broker: BrokerName,
  servers: Servers,
  count: number,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const worker = await contender.startWorker(broker, servers);
  try {
    const latencies = await contender.latencies(broker, servers, count);
    const warm = latencies.slice(Math.ceil(count / 10));
    return { p50Ms: quantile(warm, 0.5), p99Ms: quantile(warm, 0.99) };
  } finally {
    await worker.stop();
  }
}
