import { setTimeout as pause } from 'node:timers/promises';
import { Celery } from '@celeriac/producer';
import { quantile } from '../statistics.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { type BenchController, type BenchPool, startBenchController } from './bench-controller.ts';

/** From zero: how long from a publish until the API server tells of the first write. */
export interface WakeFigures {
  readonly pools: number;
  readonly trials: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

/** Many tasks at once: how many writes until all the replicas are wanted, and how long. */
export interface BurstFigures {
  readonly trials: number;
  readonly replicas: number;
  /** Share of the trials in which the first write asked for all of them. */
  readonly inOneWrite: number;
  readonly p50Ms: number;
  readonly worstMs: number;
}

/** Pools at zero, each on a queue and a Deployment of its own. */
export function poolsAtZero(count: number, max: number, stem = 'pool'): readonly BenchPool[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${stem}-${index}`;
    return { name, queues: [name], slots: 1, min: 0, max };
  });
}

/** Publishes to one pool after another; each is woken once. */
export async function measureWake(
  cluster: BenchCluster,
  broker: string,
  pools: readonly BenchPool[],
  trials: number,
): Promise<WakeFigures> {
  await using app = new Celery({ broker });
  const first = new Map<string, PromiseWithResolvers<number>>(pools.map(({ name }) => [name, Promise.withResolvers()]));
  const end = cluster.watchReplicas((name, replicas, atMs) => {
    if (replicas > 0) first.get(name)?.resolve(atMs);
  });
  const tookMs: number[] = [];
  for (const [index, { name }] of spread(pools, trials).entries()) {
    // Never in step with a look at the queue.
    await pause(60 + ((index * 37) % 170));
    const sentMs = performance.now();
    await app.sendTask('bench.work', { queue: name });
    tookMs.push(((await Promise.race([first.get(name)?.promise, late(name)])) as number) - sentMs);
  }
  end();
  return {
    pools: pools.length,
    trials,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
    worstMs: Math.max(...tookMs),
  };
}

/** Publishes a burst to one pool after another and waits until all their replicas are wanted. */
export async function measureBursts(
  cluster: BenchCluster,
  broker: string,
  pools: readonly BenchPool[],
  tasks: number,
): Promise<BurstFigures> {
  await using app = new Celery({ broker });
  const wanted = new Map<string, { writes: number[]; all: PromiseWithResolvers<number>; max: number }>(
    pools.map(({ name, max }) => [name, { writes: [], all: Promise.withResolvers<number>(), max }]),
  );
  const end = cluster.watchReplicas((name, replicas, atMs) => {
    const pool = wanted.get(name);
    pool?.writes.push(replicas);
    if (replicas === pool?.max) pool.all.resolve(atMs);
  });
  const tookMs: number[] = [];
  for (const [index, { name }] of pools.entries()) {
    await pause(60 + ((index * 37) % 170));
    const sentMs = performance.now();
    await Promise.all(Array.from({ length: tasks }, () => app.sendTask('bench.work', { queue: name })));
    tookMs.push(((await Promise.race([wanted.get(name)?.all.promise, late(name)])) as number) - sentMs);
  }
  end();
  const inOne = [...wanted.values()].filter((pool) => pool.writes[0] === pool.max).length;
  return {
    trials: pools.length,
    replicas: pools[0]?.max ?? 0,
    inOneWrite: inOne / pools.length,
    p50Ms: quantile(tookMs, 0.5),
    worstMs: Math.max(...tookMs),
  };
}

/** Starts a controller on pools whose queues are there, as after their first use, and hands it over when it rests at zero. */
export async function atZero(cluster: BenchCluster, broker: string, pools: readonly BenchPool[]): Promise<BenchController> {
  const { createTransport } = await import('@celeriac/brokers');
  const transport = await createTransport({ url: broker });
  for (let at = 0; at < pools.length; at += 100) {
    await Promise.all(pools.slice(at, at + 100).flatMap(({ queues }) => queues.map((name) => transport.queues.declare({ name }))));
  }
  await transport.close();
  const controller = await startBenchController({ broker, kubeconfig: cluster.kubeconfig, namespace: cluster.namespace, pools });
  await pause(3_000);
  return controller;
}

function spread<T>(items: readonly T[], count: number): readonly T[] {
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as T);
}

async function late(name: string): Promise<never> {
  await pause(30_000, undefined, { ref: false });
  throw new Error(`no write for ${name} within 30 s`);
}
