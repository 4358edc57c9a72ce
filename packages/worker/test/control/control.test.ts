import { encodeTask } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until, type WorkerRig, workerRig } from '../worker/rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await workerRig({ concurrency: 2 });
});
afterAll(() => rig[Symbol.asyncDispose]());
const activeIds = async (): Promise<unknown[]> => ((await rig.control('active')) as { id: string }[]).map(({ id }) => id);

describe('inspect', () => {
  test('ping', async () => expect(await rig.control('ping')).toEqual({ ok: 'pong' }));
  test('clock counts', async () => {
    const [a, b] = [await rig.control('clock'), await rig.control('clock')] as { clock: number }[];
    expect((b as { clock: number }).clock).toBeGreaterThan((a as { clock: number }).clock);
  });
  test('registered, in order', async () => {
    const names = ['add', 'append', 'die', 'echo', 'fail', 'flaky', 'sleep', 'spin'].map((name) => `tasks.${name}`);
    expect(await rig.control('registered')).toEqual(names);
    expect(await rig.control('dump_tasks')).toEqual(names);
  });
  test('active_queues has every field that Celery’s has', async () => {
    expect(await rig.control('active_queues')).toEqual([
      {
        name: 'celery',
        exchange: {
          ...{ name: 'celery', type: 'direct', arguments: null, durable: true, passive: false },
          ...{ auto_delete: false, delivery_mode: null, no_declare: false },
        },
        ...{ routing_key: 'celery', queue_arguments: null, binding_arguments: null, consumer_arguments: null, durable: true },
        ...{ exclusive: false, auto_delete: false, no_ack: false, alias: null, bindings: [], no_declare: null, expires: null },
        ...{ message_ttl: null, max_length: null, max_length_bytes: null, max_priority: null },
      },
    ]);
  });
  test('stats has what Flower and the exporter read', async () => {
    const stats = (await rig.control('stats')) as Record<string, unknown>;
    expect(stats).toMatchObject({ pid: process.pid, clock: expect.stringMatching(/^\d+$/), uptime: expect.any(Number) });
    expect(stats).toMatchObject({ broker: { transport: 'memory' }, pool: { 'max-concurrency': 2, 'max-tasks-per-child': 'N/A' } });
    expect((stats.pool as { processes: number[] }).processes).toHaveLength(2);
    expect(Object.keys(stats.rusage as object)).toHaveLength(16);
  });
  test('active and reserved describe tasks as Celery does', async () => {
    await using other = await workerRig();
    const sentMs = Date.now();
    for (const taskId of ['in-1', 'in-2']) await other.send('tasks.sleep', [600.5], { taskId });
    const active = await until(async () => {
      const found = (await other.control('active')) as Record<string, unknown>[];
      return found.length === 2 ? found : undefined;
    });
    const info = active.find(({ id }) => id === 'in-1');
    expect(info).toMatchObject({
      ...{ id: 'in-1', name: 'tasks.sleep', type: 'tasks.sleep', args: [600.5], kwargs: {}, hostname: 'w1@test', acknowledged: false },
      ...{ delivery_info: { exchange: '', routing_key: 'celery', redelivered: false }, worker_pid: expect.any(Number) },
    });
    expect((info?.time_start as number) * 1_000).toBeGreaterThanOrEqual(sentMs);
    expect((info?.time_start as number) * 1_000).toBeLessThanOrEqual(Date.now());
    const [safe] = (await other.control('active', { safe: true })) as Record<string, unknown>[];
    expect(safe).toMatchObject({ args: '(600.5,)', kwargs: '{}' });
    expect(await other.control('query_task', { ids: ['in-1', 'unknown'] })).toMatchObject({ 'in-1': ['active', { id: 'in-1' }] });
  });
  test('scheduled lists short waits', async () => {
    // One look may come too late for a wait of a second and a half: then another has begun.
    const ids: string[] = [];
    const [entry] = await until(async () => {
      ids.push(await rig.send('tasks.add', [1, 2], { eta: new Date(Date.now() + 1_500) }));
      const entries = (await rig.control('scheduled')) as Record<string, unknown>[];
      return entries.length > 0 ? entries : undefined;
    });
    expect(entry).toMatchObject({ eta: expect.stringMatching(/^\d{4}-.*\+00:00$/), priority: 6 });
    const request = entry?.request as { id: string } | undefined;
    expect(ids).toContain(request?.id);
    await Promise.all(ids.map((id) => rig.result(id)));
  });
  test('hello exchanges revoked ids', async () => {
    const reply = await rig.control('hello', { from_node: 'other@test', revoked: { 'from-map': [1.5, 'from-map'] } });
    expect(reply).toEqual({ revoked: ['from-map'], clock: expect.any(Number) });
    expect(await rig.control('hello', { from_node: 'w1@test', revoked: [] })).toBeNull();
  });
  test('what nobody knows is answered as Celery answers it', async () => {
    expect(await rig.control('nosuch')).toEqual({ error: "KeyError('nosuch')" });
    expect(await rig.control('constructor')).toEqual({ error: "KeyError('constructor')" });
  });
});

describe('control', () => {
  test('revoke: what comes later is not run', async () => {
    expect(await rig.control('revoke', { task_id: ['rev-1'] })).toEqual({ ok: "tasks {'rev-1'} flagged as revoked" });
    await rig.send('tasks.add', [1, 2], { taskId: 'rev-1' });
    expect(await rig.result('rev-1')).toMatchObject({
      status: 'REVOKED',
      result: { exc_type: 'TaskRevokedError', exc_message: ['revoked'] },
    });
    expect(await rig.control('revoked')).toContain('rev-1');
  });
  test('revoke leaves a success alone', async () => {
    const id = await rig.send('tasks.add', [1, 2]);
    await rig.result(id);
    await rig.control('revoke', { task_id: id });
    expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS' });
  });
  test('terminate ends what runs', async () => {
    const id = await rig.send('tasks.sleep', [30], { taskId: 'term-1' });
    await until(async () => (await activeIds()).includes(id));
    expect(await rig.control('revoke', { task_id: id, terminate: true, signal: 'SIGKILL' })).toEqual({ ok: 'terminate: term-1' });
    expect(await rig.result(id)).toMatchObject({ status: 'REVOKED' });
    await until(async () => (await activeIds()).length === 0);
    expect(await rig.control('terminate', { signal: 'SIGTERM', task_id: 'nobody' })).toEqual({ ok: 'terminate: tasks unknown' });
  });
  test('consumers come and go', async () => {
    expect(await rig.control('add_consumer', { queue: 'q2' })).toEqual({ ok: 'add consumer q2' });
    await rig.publish(encodeTask({ name: 'tasks.add', args: [4, 5], taskId: 'q2-1' }), 'q2');
    expect(await rig.result('q2-1')).toMatchObject({ result: 9 });
    expect(await rig.control('cancel_consumer', { queue: 'q2' })).toEqual({ ok: 'no longer consuming from q2' });
    await rig.publish(encodeTask({ name: 'tasks.add', args: [4, 5], taskId: 'q2-2' }), 'q2');
    await rig.result(await rig.send('tasks.add', [1, 1]));
    expect(await rig.transport.queues.depth('q2')).toBe(1);
    expect(((await rig.control('active_queues')) as unknown[]).length).toBe(1);
  });
  test('task events are off until they are wanted', async () => {
    await rig.result(await rig.send('tasks.add', [1, 2], { taskId: 'silent' }));
    expect(await rig.control('enable_events')).toEqual({ ok: 'task events enabled' });
    expect(await rig.control('enable_events')).toEqual({ ok: 'task events already enabled' });
    await rig.result(await rig.send('tasks.add', [1, 2], { taskId: 'loud' }));
    await until(() => rig.events.some((event) => event.type === 'task-succeeded' && event.uuid === 'loud'));
    expect(rig.events.some((event) => event.uuid === 'silent')).toBe(false);
    expect(await rig.control('disable_events')).toEqual({ ok: 'task events disabled' });
  });
  test('the pool grows and shrinks', async () => {
    const size = async (): Promise<number> =>
      ((await rig.control('stats')) as { pool: { 'max-concurrency': number } }).pool['max-concurrency'];
    expect(await rig.control('pool_grow', { n: 1 })).toEqual({ ok: 'pool will grow' });
    expect(await size()).toBe(3);
    expect(await rig.control('pool_shrink', { n: 1 })).toEqual({ ok: 'pool will shrink' });
    expect(await size()).toBe(2);
  });
  const hostile: [string, Record<string, unknown>][] = [
    ['revoke', { task_id: 5 }],
    ['revoke', { task_id: Array.from({ length: 20_000 }, (_, n) => `x${n}`) }],
    ['revoke', { task_id: 'x', terminate: true, signal: 'SIGNOTHING' }],
    ['add_consumer', { queue: 'a\u0006\u0016b' }],
    ['add_consumer', { queue: ['q'] }],
    ['cancel_consumer', {}],
    ['pool_grow', { n: 'many' }],
    ['pool_grow', { n: 1e9 }],
    ['pool_shrink', { n: 2 }],
  ];
  test.each(hostile)('%s refuses nonsense %#', async (method, args) => {
    expect(await rig.control(method, args)).toEqual({ error: expect.any(String) });
    expect(await rig.control('ping')).toEqual({ ok: 'pong' });
  });
});

test('shutdown drains, and answers nothing', async () => {
  await using other = await workerRig({ nodename: 'w2@test' });
  const sleeping = await other.send('tasks.sleep', [0.3]);
  await until(() => other.logs.some(({ text }) => text.includes(`[${sleeping}] received`)));
  const { createControlClient } = await import('@celeriac/brokers');
  await createControlClient({ bus: other.transport.bus }).cast('shutdown', {}, { destination: ['w2@test'] });
  expect(await other.worker.ended).toMatchObject({ interrupted: 0 });
  await until(() => other.events.some((event) => event.type === 'worker-offline'));
});
