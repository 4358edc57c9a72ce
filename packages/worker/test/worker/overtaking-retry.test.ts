import type { Transport } from '@celeriac/brokers';
import { expect, test } from 'vitest';
import { until, workerRig } from './rig.ts';

/** Its `publish` ends only when the consumer has been handed what was published: the broker is faster than its own confirmation. */
function deliveringBeforeConfirming(own: Transport): Transport {
  let delivered = Promise.withResolvers<void>();
  return {
    ...own,
    async publish(publication) {
      delivered = Promise.withResolvers();
      await own.publish(publication);
      await delivered.promise;
    },
    consume: (options) =>
      own.consume({
        ...options,
        onDeliveries(batch) {
          options.onDeliveries(batch);
          delivered.resolve();
        },
      }),
  };
}

test('a retry that arrives before the attempt it follows is settled runs once that is settled', async () => {
  await using rig = await workerRig({ around: deliveringBeforeConfirming, taskEvents: true });
  const id = await rig.send('tasks.flaky', [3]);
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result: 3 });
  await until(() => rig.events.some((event) => event.type === 'task-succeeded' && event.uuid === id));
  expect(rig.events.filter((event) => event.uuid === id && event.type === 'task-started')).toHaveLength(4);
  expect(await rig.transport.queues.depth('celery')).toBe(0);
});
