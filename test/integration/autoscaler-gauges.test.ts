// What the autoscaler exports of queues and of the broker, asked of real ones.

import { serveAutoscaler } from '@celeriac/autoscaler';
import { createTransport, type Delivery, silentLogger } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { until } from '../until.ts';
import { startAutoscaler } from './autoscaler-rig.ts';

const pools = `
pools:
  default:
    queues: [celery, emails]
    slotsPerReplica: 2
    scaling: { mode: dry-run, max: 7, goal: { queueWait: 4s, queues: { emails: 1500ms } } }
    target: { local: { command: [sh, -c, "sleep 1000"] } }
`;

/** Puts so many messages into quarantine, as a worker does. */
async function putAway(url: string, queue: string, count: number): Promise<void> {
  const transport = await createTransport({ url });
  const taken = Promise.withResolvers<readonly Delivery[]>();
  const deliveries: Delivery[] = [];
  const consumer = await transport.consume({
    queues: [{ name: queue }],
    owner: 'test@host/1',
    credit: count,
    startsAtOnce: () => 0,
    onDeliveries: (some) => {
      deliveries.push(...some);
      if (deliveries.length === count) taken.resolve(deliveries);
    },
    onEvent: () => undefined,
  });
  for (const delivery of await taken.promise) await delivery.quarantine({ code: 'CELERIAC_E_BODY', reason: 'a test' });
  await consumer.close();
  await transport.close();
}

async function scrapes(url: string, broker: string): Promise<ReadonlyMap<string, number>> {
  await using rig = await startAutoscaler(url, pools);
  for (let count = 0; count < 3; count += 1) await rig.celery.sendTask('tasks.any', { queue: 'emails' });
  await putAway(url, 'emails', 3);
  for (let count = 0; count < 5; count += 1) await rig.celery.sendTask('tasks.any', { queue: 'emails' });
  const identity = { version: '0.0.0', broker };
  const http = await serveAutoscaler({ autoscaler: rig.autoscaler, port: 0, identity, logger: silentLogger });
  try {
    const scrape = async (): Promise<string> => (await fetch(`http://${http.host}:${http.port}/metrics`)).text();
    await rig.nextTick(({ decision }) => decision.evidence.ready['emails'] === 5);
    // Asked behind the first, there for the next.
    expect(await scrape()).not.toContain('celeriac_queue_quarantined{');
    const text = await until(
      async () => {
        const page = await scrape();
        return page.includes('celeriac_queue_quarantined{') ? page : undefined;
      },
      { timeoutMs: 90_000, what: 'the length of a quarantine' },
    );
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  } finally {
    await http.close();
  }
}

const expected = {
  'celeriac_queue_ready{pool="default",queue="emails"}': 5,
  'celeriac_queue_ready{pool="default",queue="celery"}': 0,
  'celeriac_queue_quarantined{pool="default",queue="emails"}': 3,
  'celeriac_queue_quarantined{pool="default",queue="celery"}': 0,
  'celeriac_queue_wait_goal_seconds{pool="default",queue="emails"}': 1.5,
  'celeriac_queue_wait_goal_seconds{pool="default",queue="celery"}': 4,
  'celeriac_pool_replicas_max{pool="default"}': 7,
  'celeriac_pool_busy_replicas{pool="default"}': 0,
};
const of = (series: ReadonlyMap<string, number>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, series.get(name)]));

describe('gauges of queues and of the broker', () => {
  it('are what Redis says, and what it does when its memory is full', { timeout: 180_000 }, async () => {
    await using redis = await startRedis({ extraArgs: ['--maxmemory-policy', 'allkeys-lru'] });
    const series = await scrapes(redis.url, 'redis');
    expect(of(series, Object.keys(expected))).toEqual(expected);
    expect(series.get('celeriac_broker_memory_policy{policy="allkeys-lru"}')).toBe(1);
    expect(series.get('celeriac_broker_evicts')).toBe(1);
  });

  it('are what RabbitMQ says, which has no such policy', { timeout: 180_000 }, async () => {
    await using rabbitmq = await startRabbitmq();
    const vhost = await rabbitmq.createVhost();
    const series = await scrapes(vhost.url, 'amqp');
    expect(of(series, Object.keys(expected))).toEqual(expected);
    expect([...series.keys()].filter((name) => name.startsWith('celeriac_broker_'))).toEqual([]);
    await rabbitmq.deleteVhost(vhost);
  });
});
