import { expect, test } from 'vitest';
import { createMemoryTransport } from '../../../brokers/src/transports/memory/memory-transport.ts';
import { until, type WorkerRig, workerRig } from './rig.ts';

/** Starts what is in the queue, and dies: twice. One start is left to each. */
async function loseTwice(rig: WorkerRig, count: number): Promise<void> {
  const dying = createMemoryTransport({ url: rig.url });
  let delivered = 0;
  await dying.consume({
    queues: [{ name: 'celery' }],
    owner: 'dies',
    credit: count,
    startsAtOnce: () => 0,
    onDeliveries(deliveries) {
      delivered += deliveries.length;
      for (const delivery of deliveries) if (delivery.losses < 2) void delivery.markStarted();
    },
    onEvent() {},
  });
  for (const time of [1, 2]) {
    await until(() => delivered === time * count);
    dying.breakConnections();
  }
  await until(() => delivered === 3 * count);
  await dying.close();
}

test('what was lost together waits for each other and holds up nobody else', async () => {
  await using rig = await workerRig({ autostart: false });
  for (const taskId of ['first', 'second', 'third']) await rig.send('tasks.sleep', [300], { taskId });
  await loseTwice(rig, 3);
  await rig.worker.start();
  await until(async () => ((await rig.control('active')) as unknown[]).length > 0);
  const fresh = await rig.send('tasks.add', [1, 2]);
  expect(await rig.result(fresh)).toMatchObject({ status: 'SUCCESS', result: 3 });
  expect(await rig.control('active')).toMatchObject([{ id: 'first' }]);
});
