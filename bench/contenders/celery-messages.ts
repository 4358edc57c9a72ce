import { Celery } from '@celeriac/producer';
import type { BrokerName, Servers } from '../contender.ts';

/** The broker's URL as our producer and celery-node take it. */
export function brokerUrl(broker: BrokerName, servers: Servers): string {
  return broker === 'redis' ? servers.redisUrl : servers.rabbitmqUrl;
}

/** Fills the queue `celery` with calls of `tasks.add(i, i)`: the same messages for every Celery-compatible worker. */
export async function fillCeleryQueue(broker: BrokerName, servers: Servers, count: number): Promise<void> {
  await using app = new Celery({ broker: brokerUrl(broker, servers) });
  await publishAdds(app, count);
}

export async function publishAdds(app: Celery, count: number): Promise<void> {
  const add = app.task<(x: number, y: number) => number>('tasks.add');
  const calls = function* () {
    for (let index = 0; index < count; index += 1) yield add.s(index, index);
  };
  await app.publishMany(calls());
}

/** From the call to the start of the task, one call at a time, by our producer and any Celery-compatible worker. */
export async function idleLatencies(broker: BrokerName, servers: Servers, count: number): Promise<readonly number[]> {
  await using app = new Celery({ broker: brokerUrl(broker, servers), backend: servers.backendUrl });
  const now = app.task<() => number>('tasks.now');
  const latencies: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const calledAt = Number(process.hrtime.bigint()) / 1e6;
    const result = await now.delay();
    latencies.push((await result.get({ timeoutMs: 10_000 })) - calledAt);
  }
  return latencies;
}
