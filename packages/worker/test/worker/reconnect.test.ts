import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Delivery, until, type WorkerRig, workerRig } from './rig.ts';

const ledger = (): string => join(mkdtempSync(join(tmpdir(), 'celeriac-')), 'ledger');
const lines = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};
const starts = (rig: WorkerRig, id: string): number =>
  rig.events.filter((event) => event.type === 'task-started' && event.uuid === id).length;
/** Nothing waits in the queue, and the worker holds nothing. */
const idle = (rig: WorkerRig): Promise<unknown> =>
  until(async () => {
    const [depth, ...inHand] = await Promise.all([
      rig.transport.queues.depth('celery'),
      ...['active', 'reserved', 'scheduled'].map((method) => rig.control(method) as Promise<unknown[]>),
    ]);
    return depth === 0 && inHand.every(({ length }) => length === 0);
  });

test('a task that runs while the connection is lost goes on, and its redelivery is not run', async () => {
  await using rig = await workerRig({ taskEvents: true });
  const id = await rig.send('tasks.sleep', [0.5]);
  await until(() => starts(rig, id) === 1);
  rig.workerTransport.breakConnections();
  rig.workerTransport.breakConnections();
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result: 0.5 });
  await idle(rig);
  expect(starts(rig, id)).toBe(1);
  expect(await rig.transport.quarantine.list('celery', 10)).toEqual([]);
});

test('also where no result is stored', async () => {
  await using rig = await workerRig({ taskEvents: true });
  const id = await rig.send('tasks.sleep', [0.4], { ignoreResult: true });
  await until(() => starts(rig, id) === 1);
  rig.workerTransport.breakConnections();
  await until(() => rig.events.some((event) => event.type === 'task-succeeded' && event.uuid === id));
  await idle(rig);
  expect(starts(rig, id)).toBe(1);
});

test('under load, with the connection broken again and again, every task runs and nothing stays in hand', async () => {
  await using rig = await workerRig();
  const path = ledger();
  const ids = Array.from({ length: 300 }, (_, n) => `load-${n}`);
  await Promise.all(ids.map((id) => rig.send('tasks.append', [path, id], { taskId: id })));
  for (let round = 0; round < 10; round++) {
    const seen = lines(path).length;
    rig.workerTransport.breakConnections();
    await until(() => lines(path).length > seen || lines(path).length >= ids.length);
  }
  for (const id of ids) expect((await rig.result(id)).status).toBe('SUCCESS');
  // Deliveries of what has run may still come; none of them stays.
  await idle(rig);
  expect(new Set(lines(path)).size).toBe(300);
});

test('a second message with the id of one that runs waits for its end, then runs', async () => {
  await using rig = await workerRig({ taskEvents: true });
  const path = ledger();
  await rig.send('tasks.sleep', [0.3], { taskId: 'same' });
  await until(() => starts(rig, 'same') === 1);
  await rig.send('tasks.append', [path, 'second'], { taskId: 'same' });
  await until(() => lines(path).length === 1 && starts(rig, 'same') === 2);
  const ended = rig.events.findIndex((event) => event.type === 'task-succeeded' && event.uuid === 'same');
  const second = rig.events.findLastIndex((event) => event.type === 'task-started' && event.uuid === 'same');
  expect(ended).toBeGreaterThan(-1);
  expect(second).toBeGreaterThan(ended);
});

test('a redelivered message whose own success is stored is not run again, and what follows it is published', async () => {
  await using rig = await workerRig({ autostart: false, taskEvents: true });
  const path = ledger();
  const callback = { task: 'tasks.add', args: [1], kwargs: {}, options: { task_id: 'after' }, subtask_type: null, immutable: false };
  await rig.send('tasks.append', [path, 'again'], { taskId: 'done', embed: { callbacks: [callback] } });
  // Somebody took it, ran it, stored its result and died before what follows was published.
  const { promise: taken, resolve: take } = Promise.withResolvers<Delivery>();
  const dead = await rig.transport.consume({
    ...{ queues: [{ name: 'celery' }], owner: 'dead', credit: 1, startsAtOnce: () => 1, onEvent: () => {} },
    onDeliveries: ([delivery]) => take(delivery as Delivery),
  });
  const delivery = await taken;
  await dead.close();
  await delivery.requeue({ lost: true });
  await rig.backend.store({ taskId: 'done', status: 'SUCCESS', metaJson: '{"status": "SUCCESS", "result": 41, "task_id": "done"}' });
  await rig.worker.start();
  expect(await rig.result('after')).toMatchObject({ status: 'SUCCESS', result: 42 });
  await idle(rig);
  expect(lines(path)).toEqual([]);
});
