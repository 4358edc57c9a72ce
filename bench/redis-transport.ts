// How fast the Redis transport and backend are in one process: publish, then claim + settle + store without running anything.
// node --conditions=@celeriac/source bench/redis-transport.ts [messages] [credit]

import { createResultBackend, createTransport } from '@celeriac/brokers';
import { encodeResultMeta } from '@celeriac/protocol';
import { startRedis } from '../test/brokers/redis.ts';
import { taskMessage } from '../test/conformance/transport-rig.ts';

const count = Number(process.argv[2] ?? 100_000);
const credit = Number(process.argv[3] ?? 256);
const server = await startRedis();
const transport = await createTransport({ url: server.url });
const backend = await createResultBackend({ url: server.url });
const queue = { name: 'bench' };
const rate = (what: string, fromMs: number, cpu: NodeJS.CpuUsage): void => {
  const seconds = (performance.now() - fromMs) / 1000;
  const used = process.cpuUsage(cpu);
  const micros = (used.user + used.system) / count;
  console.log(`${what}: ${Math.round(count / seconds)} per s, ${micros.toFixed(1)} us of CPU per message here`);
};

async function publishAll(): Promise<void> {
  const fromMs = performance.now();
  const cpu = process.cpuUsage();
  for (let at = 0; at < count; at += 1_000) {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        transport.publish({ message: taskMessage(`task-${at + index}`), exchange: '', routingKey: queue.name, queue }),
      ),
    );
  }
  rate('publish', fromMs, cpu);
}

async function drain(what: string, store: boolean): Promise<void> {
  const fromMs = performance.now();
  const cpu = process.cpuUsage();
  let settled = 0;
  await new Promise<void>((resolve) => {
    void transport
      .consume({
        queues: [queue],
        owner: 'celery@bench/1',
        credit,
        startsAtOnce: () => credit,
        onEvent: ({ kind }) => {
          if (kind === 'problem') console.log(kind);
        },
        onDeliveries(deliveries) {
          for (const delivery of deliveries) {
            if (delivery.content.kind !== 'message') throw new Error('unreadable');
            const taskId = String(delivery.content.message.headers.id);
            const done = async (): Promise<void> => {
              if (store) {
                await backend.store({
                  taskId,
                  status: 'SUCCESS',
                  metaJson: encodeResultMeta({ taskId, status: 'SUCCESS', resultJson: '3' }),
                });
              }
              await delivery.ack();
              if (++settled === count) resolve();
            };
            void done();
          }
        },
      })
      .then((consumer) => {
        closing = () => consumer.close();
      });
  });
  rate(what, fromMs, cpu);
  await closing();
}

let closing: () => Promise<void> = async () => {};
await publishAll();
await drain('claim + ack', false);
await publishAll();
await drain('claim + store + ack', true);
await Promise.all([transport.close(), backend.close()]);
await server.stop();
