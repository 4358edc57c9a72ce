import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGate } from '../gate.ts';
import { until, type WorkerRig, workerRig } from './rig.ts';

const POLICIES = fileURLToPath(new URL('../fixtures/policies.ts', import.meta.url));
let rig: WorkerRig;
beforeAll(async () => {
  rig = await workerRig({ modules: [POLICIES], taskEvents: true, http: { host: '127.0.0.1', port: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());
const types = (id: string): unknown[] => rig.events.filter((event) => event.uuid === id).map((event) => event.type);
const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${rig.worker.http?.port}${path}`);
  return { status: response.status, text: await response.text() };
};

test('acksLate: false acknowledges at the start', async () => {
  using gate = createGate();
  const id = await rig.send('early', [gate.path]);
  const [info] = await until(async () => {
    const active = (await rig.control('active')) as Record<string, unknown>[];
    return active.length > 0 ? active : undefined;
  });
  expect(info).toMatchObject({ id, acknowledged: true });
  rig.workerTransport.breakConnections();
  gate.open();
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result: 'done' });
  await until(() => types(id).includes('task-succeeded'));
  expect(types(id).filter((type) => type === 'task-started')).toHaveLength(1);
});

test('acksLate: false and a lost process: FAILURE, not a second run', async () => {
  const id = await rig.send('early-die');
  expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
  await until(() => types(id).includes('task-failed'));
  expect(types(id).filter((type) => type === 'task-started')).toHaveLength(1);
});

test('trackStarted stores STARTED with the child and the node', async () => {
  using gate = createGate();
  const id = await rig.send('tracked', [gate.path]);
  const started = await until(() => rig.backend.fetch(id));
  expect(started).toMatchObject({ status: 'STARTED', result: { hostname: 'w1@test', pid: expect.any(Number) } });
  gate.open();
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS' });
});

test('ctx.call publishes with parent and root', async () => {
  const id = await rig.send('caller', [5]);
  const { result: child } = await rig.result(id);
  expect(await rig.result(child as string)).toMatchObject({ status: 'SUCCESS', result: [5, id, id] });
});

test('ctx.call publishes to the queue of the contract', async () => {
  const id = await rig.send('caller-elsewhere');
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS' });
  expect(await rig.transport.queues.depth('elsewhere')).toBe(1);
});

test('autoretryFor by name, up to maxRetries, then the error itself', async () => {
  const id = await rig.send('stubborn');
  expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'ValueError', exc_message: ['attempt 2'] } });
  await until(() => types(id).includes('task-failed'));
  expect(types(id).filter((type) => type === 'task-retried')).toHaveLength(2);
});

test('ignoreResult stores nothing', async () => {
  const id = await rig.send('quiet');
  await until(() => types(id).includes('task-succeeded'));
  expect(await rig.backend.fetch(id)).toBeUndefined();
});

test('HTTP: alive, ready, and counted', async () => {
  expect(await get('/livez')).toEqual({ status: 200, text: 'ok\n' });
  expect(await get('/readyz')).toEqual({ status: 200, text: 'ok\n' });
  expect((await get('/nothing')).status).toBe(404);
  const { text } = await get('/metrics');
  expect(text).toContain('celeriac_worker_slots 2');
  expect(text).toMatch(/celeriac_worker_tasks_ended_total\{task="quiet",outcome="succeeded"\} 1/);
  expect(text).toMatch(/celeriac_worker_tasks_ended_total\{task="stubborn",outcome="retried"\} 2/);
});

test('reload takes over changed modules; a broken one leaves the old in place', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'celeriac-')), 'tasks.mjs');
  const library = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href);
  const write = (body: string): void => writeFileSync(path, `import { defineTask } from ${library};\n${body}`);
  write(`export const a = defineTask('a', () => 'old');`);
  await using other = await workerRig({ modules: [path] });
  expect(await other.result(await other.send('a'))).toMatchObject({ result: 'old' });
  write(`export const a = defineTask('a', () => 'new'); export const b = defineTask('b', () => 'b');`);
  await other.worker.reload();
  expect(await other.result(await other.send('a', [], { taskId: 'again' }))).toMatchObject({ result: 'new' });
  expect(await other.control('registered')).toEqual(['a', 'b']);
  write('throw new Error("broken");');
  await expect(other.worker.reload()).rejects.toMatchObject({ code: 'CELERIAC_E_TASK_MODULE' });
  expect(await other.result(await other.send('b', [], { taskId: 'still' }))).toMatchObject({ result: 'b' });
});

test('many tasks that run long behind few slots are given back instead of hoarded', async () => {
  using gate = createGate();
  await using other = await workerRig({ modules: [POLICIES], concurrency: 1 });
  // Small ones first, so that the credit is high when the long one comes.
  await Promise.all(Array.from({ length: 500 }, (_, n) => other.send('tracked', [], { taskId: `small-${n}` })));
  await other.result('small-499');
  await other.send('tracked', [gate.path], { taskId: 'long' });
  await Promise.all(Array.from({ length: 50 }, (_, n) => other.send('tracked', [], { taskId: `behind-${n}` })));
  await until(async () => (await other.transport.queues.depth('celery')) === 50);
  expect(await other.backend.fetch('long')).toMatchObject({ status: 'STARTED' });
});
