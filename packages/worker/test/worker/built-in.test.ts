import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTaskManifest } from '../../src/read-manifest.ts';
import { TASKS } from '../pool/rig.ts';
import { type WorkerRig, workerRig } from './rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await workerRig({ modules: [TASKS] });
});
afterAll(() => rig[Symbol.asyncDispose]());

test.each([
  ['gives its arguments back', [1, 'two'], {}, [1, 'two']],
  ['gives one of them back', [1, 'two'], { index: 1 }, 'two'],
  ['counts from the end, as Python does', [1, 'two'], { index: -2 }, 1],
])('celery.accumulate %s', async (_what, args, kwargs, result) => {
  const id = await rig.send('celery.accumulate', args, { kwargs });
  expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result });
});

test('celery.accumulate fails where there is no such argument', async () => {
  const id = await rig.send('celery.accumulate', [1], { kwargs: { index: 1 } });
  expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_message: ['list index out of range'] } });
});

test('built-in tasks are not told as what modules register', async () => {
  const told = [
    ...((await rig.control('registered')) as string[]),
    ...(await readTaskManifest({ modules: [TASKS] })).tasks.map(({ name }) => name),
  ];
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter((name) => name.startsWith('celery.'))).toEqual([]);
});
