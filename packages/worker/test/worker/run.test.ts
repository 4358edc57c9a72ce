import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTask } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { letTimePass } from '../../../../test/until.ts';
import { until, type WorkerRig, workerRig } from './rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await workerRig({ taskEvents: true });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Nothing waits in the queue, and the worker holds nothing. */
const nothingInHand = (): Promise<unknown> =>
  until(async () => {
    const [depth, active, reserved] = await Promise.all([
      rig.transport.queues.depth('celery'),
      rig.control('active'),
      rig.control('reserved'),
    ]);
    return depth === 0 && (active as unknown[]).length === 0 && (reserved as unknown[]).length === 0;
  });

describe('results', () => {
  test('of positional and keyword calls', async () => {
    const [a, b] = [await rig.send('tasks.add', [1, 2]), await rig.send('tasks.add', [], { kwargs: { y: 5, x: 4 } })];
    expect(await rig.result(a)).toMatchObject({ status: 'SUCCESS', result: 3, traceback: null, children: [] });
    expect(await rig.result(b)).toMatchObject({ status: 'SUCCESS', result: 9 });
  });
  test('of a task that throws: the exception with its traceback', async () => {
    const meta = await rig.result(await rig.send('tasks.fail', ['no luck']));
    expect(meta).toMatchObject({ status: 'FAILURE', result: { exc_type: 'Exception', exc_message: ['no luck'], exc_module: 'builtins' } });
    expect(meta.traceback).toContain('no luck');
  });
  test('of arguments that do not bind: Python’s TypeError', async () => {
    expect(await rig.result(await rig.send('tasks.add', [1]))).toMatchObject({ status: 'FAILURE', result: { exc_type: 'TypeError' } });
  });
  test('are not stored where the message says so', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'celeriac-')), 'ledger');
    const id = await rig.send('tasks.append', [path, 'x'], { ignoreResult: true });
    await until(() => rig.events.some((event) => event.type === 'task-succeeded' && event.uuid === id));
    expect(readFileSync(path, 'utf8')).toBe('x\n');
    expect(await rig.backend.fetch(id)).toBeUndefined();
  });
  test('of two thousand small tasks, each exactly once', async () => {
    const ids = await Promise.all(Array.from({ length: 2_000 }, (_, n) => rig.send('tasks.add', [n, n], { taskId: `bulk-${n}` })));
    const metas = await Promise.all(ids.map((id) => rig.result(id, 120_000)));
    for (const [n, meta] of metas.entries()) expect(meta).toMatchObject({ status: 'SUCCESS', result: 2 * n });
    const succeeded = () => rig.events.filter((event) => event.type === 'task-succeeded' && String(event.uuid).startsWith('bulk-'));
    await until(() => succeeded().length >= 2_000);
    await nothingInHand();
    expect(succeeded()).toHaveLength(2_000);
  });
});

describe('retries', () => {
  test('as often as the task asks', async () => {
    const id = await rig.send('tasks.flaky', [4]);
    expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result: 4 });
    // When the next attempt was sent is told beside it, and may come behind its beginning, or its end.
    const came = (type: string): number => rig.events.filter((event) => event.type === type && event.uuid === id).length;
    await until(() => came('task-succeeded') === 1 && came('task-sent') >= 4);
    const own = rig.events.filter((event) => event.uuid === id);
    expect(own.map((event) => event.type).filter((type) => type !== 'task-sent')).toEqual([
      ...Array.from({ length: 4 }, () => ['task-received', 'task-started', 'task-retried']).flat(),
      ...['task-received', 'task-started', 'task-succeeded'],
    ]);
    const sent = own.filter((event) => event.type === 'task-sent');
    expect(sent.map((event) => event.retries)).toEqual([1, 2, 3, 4]);
    for (const event of sent) expect(event).toMatchObject({ name: 'tasks.flaky', queue: 'celery', args: '(4,)', hostname: 'w1@test' });
  });
});

describe('limits', () => {
  test('a synchronous endless loop is killed at the hard limit; its sibling does not notice', async () => {
    const spinning = await rig.send('tasks.spin', [60], { timeLimitS: 0.5 });
    const sibling = await rig.send('tasks.sleep', [0.8]);
    expect(await rig.result(spinning)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'TimeLimitExceeded' } });
    expect(await rig.result(sibling)).toMatchObject({ status: 'SUCCESS', result: 0.8 });
  });
});

describe('what must not run', () => {
  const quarantined = (): Promise<string[]> =>
    rig.transport.quarantine.list('celery', 100).then((all) => all.map((entry) => `${entry.code} ${entry.taskId}`));
  test('an unknown task: NotRegistered, and not a second time', async () => {
    const id = await rig.send('tasks.nobody');
    expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'NotRegistered', exc_message: ['tasks.nobody'] } });
    await nothingInHand();
  });
  test('names that every object has', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(await rig.result(await rig.send(name))).toMatchObject({ result: { exc_type: 'NotRegistered' } });
    }
  });
  test('an expired one: REVOKED', async () => {
    const id = await rig.send('tasks.add', [1, 2], { expires: new Date(Date.now() - 1_000) });
    expect(await rig.result(id)).toMatchObject({ status: 'REVOKED', result: { exc_type: 'TaskRevokedError', exc_message: ['expired'] } });
    await until(() => rig.events.some((event) => event.type === 'task-revoked' && event.uuid === id && event.expired === true));
  });
  test('one that kills its process: three starts, then WorkerLostError and quarantine', async () => {
    const id = await rig.send('tasks.die');
    expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
    await until(() => rig.events.some((event) => event.type === 'task-failed' && event.uuid === id));
    expect(rig.events.filter((event) => event.uuid === id && event.type === 'task-started')).toHaveLength(3);
    await until(async () => (await quarantined()).includes(`CELERIAC_E_WORKER_LOST ${id}`));
  });
  test('a body that cannot be read: a FAILURE for who waits', async () => {
    const message = { ...encodeTask({ name: 'tasks.add', taskId: 'bad-body' }), body: new TextEncoder().encode('null') };
    await rig.publish(message);
    expect(await rig.result('bad-body')).toMatchObject({ status: 'FAILURE' });
  });
  test('a message without an id: quarantine', async () => {
    const good = encodeTask({ name: 'tasks.add', taskId: 'x' });
    await rig.publish({ ...good, headers: { ...good.headers, id: null } });
    await until(async () => (await quarantined()).some((entry) => entry.startsWith('CELERIAC_E_TASK_ID')));
  });
  test('a part of a chord: CELERIAC_E_PROTOCOL before it runs', async () => {
    const chord = { task: 'tasks.add', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false };
    const id = await rig.send('tasks.add', [1, 2], { groupId: 'g1', embed: { chord } });
    expect(await rig.result(id)).toMatchObject({ status: 'FAILURE' });
    await until(async () => (await quarantined()).includes(`CELERIAC_E_PROTOCOL ${id}`));
    expect(rig.events.some((event) => event.uuid === id && event.type === 'task-started')).toBe(false);
  });
});

describe('eta', () => {
  const startOf = async (id: string): Promise<number> =>
    ((await until(() => rig.events.find((event) => event.type === 'task-started' && event.uuid === id))).timestamp as number) * 1_000;
  test('short: not before it, and soon after', async () => {
    const dueMs = Date.now() + 700;
    const id = await rig.send('tasks.add', [1, 2], { eta: new Date(dueMs) });
    await letTimePass(dueMs - Date.now(), 'what is sent when it is due shows how soon this machine can begin it');
    const sentThen = await rig.send('tasks.add', [1, 2]);
    expect(await startOf(id)).toBeGreaterThanOrEqual(dueMs);
    expect(await startOf(id)).toBeLessThan((await startOf(sentThen)) + 500);
  });
  test('far: parked with the broker, not in hand', async () => {
    await rig.send('tasks.add', [1, 2], { taskId: 'far', eta: new Date(Date.now() + 3_600_000) });
    const due = await until(() => rig.transport.queues.nextDueMs());
    expect(due).toBeGreaterThan(Date.now() + 3_500_000);
    expect(await rig.control('scheduled')).toEqual([]);
  });
});

test('a callback and a chain run on the result', async () => {
  const sig = (task: string, args: unknown[], task_id: string, options: object = {}): object => ({
    ...{ task, args, kwargs: {}, options: { task_id, ...options }, subtask_type: null, immutable: false },
  });
  await rig.send('tasks.add', [1, 2], {
    embed: { callbacks: [sig('tasks.echo', [], 'cb')], chain: [sig('tasks.add', [100], 'c3'), sig('tasks.add', [10], 'c2')] },
  });
  expect(await rig.result('cb')).toMatchObject({ result: 3 });
  expect(await rig.result('c2')).toMatchObject({ result: 13 });
  expect(await rig.result('c3')).toMatchObject({ result: 113 });
});

test('no log line has an argument or a result', async () => {
  await rig.result(await rig.send('tasks.echo', ['s3cret-argument']));
  expect(JSON.stringify(rig.logs)).not.toContain('s3cret-argument');
  expect(rig.logs.filter(({ text }) => text.startsWith('Task ')).every(({ fields }) => typeof fields.taskId === 'string')).toBe(true);
});
