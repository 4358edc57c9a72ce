import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { staysPending } from '../../../../test/until.ts';
import { createGate } from '../gate.ts';
import { BASICS, GATED, until, workerRig } from './rig.ts';

const active = async (rig: Awaited<ReturnType<typeof workerRig>>, count: number): Promise<unknown> =>
  until(async () => ((await rig.control('active')) as unknown[]).length === count);

test('finishes what runs, gives back what waits, whole', async () => {
  using gate = createGate();
  await using rig = await workerRig({ modules: [BASICS, GATED], taskEvents: true });
  const running = [await rig.send('gated', [gate.path]), await rig.send('gated', [gate.path])];
  await active(rig, 2);
  await Promise.all(Array.from({ length: 20 }, () => rig.send('tasks.add', [1, 2])));
  const drained = rig.worker.drain();
  expect(await staysPending(drained, 300)).toBe(true);
  gate.open();
  expect(await drained).toMatchObject({ finished: 2, interrupted: 0 });
  for (const id of running) expect(await rig.backend.fetch(id)).toMatchObject({ status: 'SUCCESS', result: 'through' });
  expect(await rig.transport.queues.depth('celery')).toBe(20);
  await until(() => rig.events.at(-1)?.type === 'worker-offline');
});

test('takes nothing more from the moment it is asked to', async () => {
  await using rig = await workerRig();
  const drained = rig.worker.drain();
  await rig.send('tasks.add', [1, 2]);
  await drained;
  expect(await rig.transport.queues.depth('celery')).toBe(1);
});

test('at its deadline gives back what still runs, not counted as lost; early-acked ones fail', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'celeriac-')), 'tasks.mjs');
  const { writeFileSync } = await import('node:fs');
  const worker = new URL('../../src/index.ts', import.meta.url).href;
  writeFileSync(
    path,
    `import { defineTask } from ${JSON.stringify(worker)};
     const forever = () => new Promise((resolve) => setTimeout(resolve, 60_000));
     export const late = defineTask('late', forever);
     export const early = defineTask('early', { acksLate: false }, forever);`,
  );
  await using rig = await workerRig({ modules: [path], drainTimeoutMs: 300 });
  await rig.send('late', [], { taskId: 'late' });
  await rig.send('early', [], { taskId: 'early' });
  await active(rig, 2);
  const end = await rig.worker.drain();
  expect(end).toMatchObject({ finished: 0, interrupted: 2 });
  expect(await rig.transport.queues.depth('celery')).toBe(1);
  expect(await rig.backend.fetch('early')).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
  expect(await rig.backend.fetch('late')).toBeUndefined();
});

test('hurry ends it now', async () => {
  // Neither the end of the task nor the deadline can be what ends it.
  await using rig = await workerRig({ drainTimeoutMs: 600_000 });
  await rig.send('tasks.sleep', [600]);
  await active(rig, 1);
  const drained = rig.worker.drain();
  rig.worker.hurry();
  expect(await drained).toMatchObject({ finished: 0, interrupted: 1 });
  expect(await rig.transport.queues.depth('celery')).toBe(1);
});

test.each([0, 1, 2, 5, 20])('asked to while it still starts, %i turns after it began to: takes nothing and leaves', async (turns) => {
  await using rig = await workerRig({ autostart: false, http: { host: '127.0.0.1', port: 0 } });
  await rig.send('tasks.add', [1, 2]);
  const started = rig.worker.start();
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(await rig.worker.drain()).toEqual({ finished: 0, interrupted: 0, handedBack: 0 });
  await started;
  expect(await rig.worker.ended).toEqual({ finished: 0, interrupted: 0, handedBack: 0 });
  expect(rig.logs.filter(({ text }) => text.endsWith('takes tasks'))).toEqual([]);
  const { http } = rig.worker;
  if (http !== undefined) await expect(fetch(`http://127.0.0.1:${http.port}/livez`)).rejects.toThrow();
  expect(await rig.transport.queues.depth('celery')).toBe(1);
});

test('leaves no child behind, whatever ran', async () => {
  await using rig = await workerRig();
  await rig.send('tasks.spin', [30]);
  await active(rig, 1);
  const stats = (await rig.control('stats')) as { pool: { processes: number[] } };
  rig.worker.hurry();
  const drained = rig.worker.drain();
  rig.worker.hurry();
  await drained;
  for (const pid of stats.pool.processes) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test('a module that does not import is one error with its file and line', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-'));
  const path = join(dir, 'broken.mjs');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(path, '\n\nthrow new Error("cannot be");\n');
  await using rig = await workerRig({ modules: [path], autostart: false });
  await expect(rig.worker.start()).rejects.toMatchObject({
    code: 'CELERIAC_E_TASK_MODULE',
    message: expect.stringContaining('broken.mjs:3'),
  });
  expect(readFileSync(path, 'utf8')).toContain('cannot be');
});
