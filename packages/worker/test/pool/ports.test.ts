import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ChildCall } from '../../src/pool/pool.ts';
import { jobFor, poolRig, TASKS } from './rig.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));

test('what a task prints by console or ctx.log comes with its job', async () => {
  await using rig = poolRig();
  await rig.pool.start();
  const job = jobFor('pool.talk', ['ünï']);
  await rig.run(job);
  expect(rig.logs).toEqual([
    { job, level: 'info', text: 'ünï has 2', fields: {} },
    { job, level: 'error', text: 'ünï', fields: {} },
    { job, level: 'warn', text: 'ünï', fields: { count: 3 } },
  ]);
});

test('a task that floods is cut, and what was cut is counted', async () => {
  await using rig = poolRig();
  await rig.pool.start();
  const beganMs = performance.now();
  expect(await rig.run(jobFor('pool.flood', [100_000]))).toMatchObject({ resultJson: '100000' });
  await rig.until(() => rig.logs.some(({ text }) => /^\d+ log lines were dropped/.test(text)));
  // A thousand lines a second, two seconds' worth at once, and as many that count what was dropped.
  const seconds = (performance.now() - beganMs) / 1_000;
  expect(rig.logs.length).toBeLessThan(2 * 1_000 * (seconds + 3));
});

test('calls go to the parent with root and parent ids, and come back with the id', async () => {
  const calls: ChildCall[] = [];
  await using rig = poolRig(
    {},
    {
      onCall: async (call) => {
        calls.push(call);
        return `id-${calls.length}`;
      },
    },
  );
  await rig.pool.start();
  const job = jobFor('pool.calls');
  expect(await rig.run(job)).toMatchObject({ resultJson: '["id-1", "id-2"]' });
  expect(calls[0]?.parent).toBe(job.request);
  expect(JSON.parse(calls[0]?.callJson ?? '')).toEqual({
    name: 'pool.add',
    args: [1, 2],
    kwargs: {},
    taskId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    rootId: job.request.rootId,
    parentId: job.request.id,
  });
  expect(JSON.parse(calls[1]?.callJson ?? '')).toMatchObject({ name: 'pool.echo', args: ['text', null] });
});

test('a call that fails fails its task, awaited or not', async () => {
  await using rig = poolRig({}, { onCall: () => Promise.reject(new Error('the broker said no')) });
  await rig.pool.start();
  for (const name of ['pool.calls', 'pool.calls-without-waiting'])
    expect(await rig.run(jobFor(name))).toMatchObject({ kind: 'failed', exceptionRepr: "Exception('the broker said no')" });
});

test('a task ends after the calls it did not await', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  await using rig = poolRig({}, { onCall: () => promise });
  await rig.pool.start();
  const job = jobFor('pool.calls-without-waiting');
  await rig.submit(job);
  await rig.until(() => rig.started.length === 1);
  expect(rig.outcomes.has(job)).toBe(false);
  resolve('published');
  expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
});

test('children see the environment without secrets', async () => {
  const env = { PATH: process.env['PATH'], APP_MODE: 'test', CELERY_BROKER_URL: 'redis://a', COPY: 'amqp://u:p@b//' };
  await using rig = poolRig({ env, secrets: { names: ['CELERY_BROKER_URL'], values: ['amqp://u:p@b//'] } });
  await rig.pool.start();
  const outcome = await rig.run(jobFor('pool.environment'));
  const seen = JSON.parse((outcome as { resultJson: string }).resultJson) as Record<string, string>;
  expect(seen).toMatchObject({ APP_MODE: 'test' });
  expect(Object.keys(seen)).not.toContain('CELERY_BROKER_URL');
  expect(Object.values(seen).join()).not.toContain('u:p@b');
});

test('under a permission a task reads what it may and nothing else', async () => {
  await using rig = poolRig({ permission: { allowFsRead: [REPOSITORY] } });
  await rig.pool.start();
  expect(await rig.run(jobFor('pool.read-file', [TASKS]))).toMatchObject({ kind: 'succeeded' });
  expect(await rig.run(jobFor('pool.read-file', ['/etc/hostname']))).toMatchObject({
    kind: 'failed',
    exceptionRepr: expect.stringContaining('Access to this API has been restricted'),
  });
});

test('a child loads the runtime and the task modules: no driver, no schema library, no other package', async () => {
  const env = { ...process.env, NODE_OPTIONS: `--import=${join(FIXTURES, 'record-loads.mjs')}` };
  await using rig = poolRig({ env, modules: [join(FIXTURES, 'loaded.ts')] });
  await rig.pool.start();
  const outcome = await rig.run(jobFor('pool.loaded'));
  const urls = JSON.parse((outcome as { resultJson: string }).resultJson) as string[];
  expect(urls.some((url) => url.includes('/packages/worker/src/index.ts'))).toBe(true);
  expect(urls.filter((url) => url.includes('/node_modules/'))).toEqual([]);
  expect(urls.filter((url) => /\/packages\/(?!protocol\/|worker\/)/.test(url))).toEqual([]);
});
