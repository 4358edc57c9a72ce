import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { until, workerRig } from './rig.ts';

const POLICIES = fileURLToPath(new URL('../fixtures/policies.ts', import.meta.url));

test('what a task calls and what follows one is told where task events are on', async () => {
  await using rig = await workerRig({ taskEvents: true, modules: [POLICIES] });
  const sent = () => rig.events.filter((event) => event.type === 'task-sent');
  const id = await rig.send('caller', [7], {
    embed: { callbacks: [{ task: 'quiet', args: [], kwargs: {}, options: { task_id: 'after' }, immutable: true }] },
  });
  const child = (await rig.result(id)).result;
  await until(() => sent().length === 2);
  expect(sent().find((event) => event.uuid === child)).toMatchObject({
    ...{ name: 'callee', args: '(7,)', kwargs: '{}', root_id: id, parent_id: id, retries: 0, eta: null, expires: null },
    ...{ queue: 'celery', exchange: '', routing_key: 'celery', hostname: 'w1@test' },
  });
  expect(sent().find((event) => event.uuid === 'after')).toMatchObject({ name: 'quiet', root_id: id, parent_id: id, queue: 'celery' });
});

test('and not where they are off', async () => {
  await using rig = await workerRig({ modules: [POLICIES] });
  const child = (await rig.result(await rig.send('caller', [7]))).result;
  await rig.result(String(child));
  await rig.worker.drain();
  expect(rig.events.filter((event) => String(event.type).startsWith('task-'))).toEqual([]);
});
