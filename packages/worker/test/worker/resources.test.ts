import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTaskManifest } from '../../src/read-manifest.ts';
import { composeWorker } from '../../src/worker.ts';
import { until, type WorkerRig, workerRig } from './rig.ts';

const MODULE = fileURLToPath(new URL('../fixtures/resources.ts', import.meta.url));
const POOLS = {
  small: { queues: ['small-tasks'], slotsPerReplica: 2, size: { cpu: 2, memory: '4Gi' } },
  large: { queues: ['large-tasks'], slotsPerReplica: 1, size: { cpu: 8, memory: '32Gi' } },
};
const signature = (task: string, id: string) => ({
  task,
  args: [],
  kwargs: {},
  options: { task_id: id },
  subtask_type: null,
  immutable: true,
});

test('the manifest has what each task needs, its definition over its contract', async () => {
  const { tasks } = await readTaskManifest({ modules: [MODULE] });
  expect(tasks.find(({ name }) => name === 'raised')?.options.resources).toEqual({ memory: '16Gi', cpu: 1 });
  expect(tasks.find(({ name }) => name === 'small')?.options.resources).toEqual({ memory: '1Gi' });
  expect(tasks.find(({ name }) => name === 'first')?.options.resources).toBeUndefined();
});

test('pools that cannot be used are refused before anything starts', () => {
  const pools = { small: { queues: ['q'], size: { memory: '4GB' } } };
  expect(() => composeWorker({ broker: 'memory://refused', modules: [MODULE], pools })).toThrow('pools: small.size.memory: "4GB"');
});

describe('a worker that knows the pools', () => {
  let rig: WorkerRig;
  beforeAll(async () => {
    rig = await workerRig({ modules: [MODULE], pools: POOLS });
  });
  afterAll(() => rig[Symbol.asyncDispose]());
  const depths = async (): Promise<readonly (number | null)[]> =>
    Promise.all(['small-tasks', 'large-tasks'].map(async (queue) => (await rig.transport.queues.depth(queue)) ?? 0));

  test.each([
    ['call-large', 'the needs of the contract', [0, 1]],
    ['call-by-name', 'the needs of the definition', [1, 0]],
    ['call-raised', 'the needs of the definition, over those of the contract', [0, 1]],
  ])('%s: ctx.call goes by %s', async (name, _by, more) => {
    const before = await depths();
    expect(await rig.result(await rig.send(name))).toMatchObject({ status: 'SUCCESS' });
    expect(await depths()).toEqual(before.map((depth, index) => (depth ?? 0) + (more[index] as number)));
  });

  test('ctx.call of what fits nowhere fails the task that called, and publishes nothing', async () => {
    const before = await depths();
    const meta = await rig.result(await rig.send('call-huge'));
    expect(meta).toMatchObject({ status: 'FAILURE' });
    expect(JSON.stringify(meta.result)).toContain('large: memory 32Gi < 1Ti');
    expect(JSON.stringify(await rig.result(await rig.send('call-misread')))).toContain('is not a quantity; write 1T for powers of 1,000');
    expect(await depths()).toEqual(before);
  });

  test('ctx.call of a task of which nothing is known goes to the default queue', async () => {
    const { result } = await rig.result(await rig.send('call-plain'));
    expect(await rig.result(result as string)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'NotRegistered' } });
  });

  test('what follows a task goes by what its definition needs; a queue that its sender stated wins', async () => {
    const before = await depths();
    await rig.result(await rig.send('first', [], { embed: { callbacks: [signature('raised', 'cb-1')] } }));
    const queued = { ...signature('small', 'cb-2'), options: { task_id: 'cb-2', queue: 'celery' } };
    await rig.result(await rig.send('first', [], { embed: { callbacks: [queued] } }));
    expect(await rig.result('cb-2')).toMatchObject({ status: 'SUCCESS', result: 'small' });
    // what follows is published when the result is stored
    await until(async () => (await depths())[1] !== before[1]);
    expect(await depths()).toEqual([before[0], (before[1] ?? 0) + 1]);
  });

  test('a task whose callback fits nowhere is refused before it runs', async () => {
    const id = await rig.send('first', [], { embed: { callbacks: [signature('too-large', 'cb-3')] } });
    expect(await rig.result(id)).toMatchObject({ status: 'FAILURE' });
    const quarantined = await until(async () => {
      const list = await rig.transport.quarantine.list('celery', 10);
      return list.length > 0 && list;
    });
    expect(quarantined).toMatchObject([{ code: 'CELERIAC_E_NO_POOL_FITS', taskId: id }]);
  });
});

test('a worker that knows no pools sends everything where it ever went', async () => {
  await using rig = await workerRig({ modules: [MODULE] });
  const { result } = await rig.result(await rig.send('call-raised'));
  expect(await rig.result(result as string)).toMatchObject({ status: 'SUCCESS', result: 'x' });
});
