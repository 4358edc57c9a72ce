import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isAlive, jobFor, poolRig } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-limits-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the soft limit aborts the signal of the task, which may clean up, fail, or do nothing', async () => {
  await using rig = poolRig({ slots: 3 });
  await rig.pool.start();
  const [clean, polite, deaf] = await Promise.all([
    rig.run(jobFor('pool.wait-and-clean', [], { softLimitMs: 60 })),
    rig.run(jobFor('pool.wait-politely', [60_000], { softLimitMs: 60 })),
    rig.run(jobFor('pool.wait', [200], { softLimitMs: 60 })),
  ]);
  expect(clean).toMatchObject({ kind: 'succeeded', resultJson: '"cleaned after SoftTimeLimitExceeded"' });
  expect(polite).toMatchObject({
    kind: 'failed',
    exception: { exc_type: 'SoftTimeLimitExceeded', exc_module: 'billiard.exceptions' },
    retryable: true,
  });
  expect(deaf).toMatchObject({ kind: 'succeeded', resultJson: '"waited"' });
});

test('the soft limit of one task is not that of the next', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  await rig.run(jobFor('pool.wait', [20], { softLimitMs: 10 }));
  expect(await rig.run(jobFor('pool.context'))).toMatchObject({ resultJson: expect.stringContaining('"aborted": false') });
});

test('a synchronous endless loop is killed at the hard limit; its sibling and what waits do not notice', async () => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const endless = jobFor('pool.spin-forever', [], { hardLimitMs: 300, softLimitMs: 100, pipelined: true });
  const behind = Array.from({ length: 12 }, (_, n) => jobFor('pool.add', [n, n], { pipelined: true }));
  const sibling = jobFor('pool.wait', [400]);
  expect(rig.pool.submit(endless)).toBe(true);
  for (const job of behind) expect(rig.pool.submit(job)).toBe(true);
  await rig.submit(sibling);
  const outcome = await rig.outcomeOf(endless);
  expect(outcome).toMatchObject({ kind: 'timed-out', limitS: 0.3 });
  for (const job of behind) expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
  expect(await rig.outcomeOf(sibling)).toMatchObject({ kind: 'succeeded' });
  const { pid } = outcome as { pid: number };
  expect(await isAlive(pid)).toBe(false);
  await rig.until(() => rig.pool.slots.free === 2);
  expect(rig.pool.pids).not.toContain(pid);
});

test('with a single slot, jobs behind a killed one run in its successor', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const endless = jobFor('pool.spin-forever', [], { hardLimitMs: 100, pipelined: true });
  const behind = jobFor('pool.add', [1, 2], { pipelined: true });
  expect(rig.pool.submit(endless) && rig.pool.submit(behind)).toBe(true);
  expect(await rig.outcomeOf(endless)).toMatchObject({ kind: 'timed-out' });
  expect(await rig.outcomeOf(behind)).toMatchObject({ kind: 'succeeded' });
});

test('what a task started dies with it', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const file = join(folder, 'grandchild');
  // Long enough for it to have started something, also on a slow machine.
  expect(await rig.run(jobFor('pool.with-grandchild', [file], { hardLimitMs: 3_000 }))).toMatchObject({ kind: 'timed-out' });
  const grandchild = Number(readFileSync(file, 'utf8'));
  await expect.poll(() => isAlive(grandchild), { timeout: 30_000 }).toBe(false);
});

test('an asynchronous task that ignores its soft limit ends at the hard one', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  expect(await rig.run(jobFor('pool.wait', [60_000], { softLimitMs: 30, hardLimitMs: 120 }))).toEqual({
    kind: 'timed-out',
    limitS: 0.12,
    pid: expect.any(Number),
  });
});

test('limits of jobs that end in time cost nothing later', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  for (let n = 0; n < 50; n += 1) await rig.run(jobFor('pool.add', [1, 2], { hardLimitMs: 40, softLimitMs: 20 }));
  expect(await rig.run(jobFor('pool.wait', [150]))).toMatchObject({ kind: 'succeeded' });
});
