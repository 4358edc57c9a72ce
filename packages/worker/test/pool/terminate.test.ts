import { expect, test } from 'vitest';
import type { Job } from '../../src/pool/pool.ts';
import { jobFor, poolRig } from './rig.ts';

test.each([
  ['pool.wait', [60_000], 'SIGTERM'],
  ['pool.spin-forever', [], 'SIGTERM'],
  ['pool.spin-forever', [], 'SIGKILL'],
] as const)('terminate ends %s %j by %s and leaves its sibling alone', async (name, args, signal) => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const [target, sibling] = [jobFor(name, args), jobFor('pool.wait', [400])];
  for (const job of [target, sibling]) await rig.submit(job);
  await rig.until(() => rig.started.length === 2);
  expect(rig.pool.terminate('task-nobody-has', signal)).toBe(false);
  expect(rig.pool.terminate(target.request.id, signal)).toBe(true);
  expect(await rig.outcomeOf(target)).toMatchObject({ kind: 'terminated', signal });
  expect(rig.pool.terminate(target.request.id, signal)).toBe(false);
  expect(await rig.outcomeOf(sibling)).toMatchObject({ kind: 'succeeded' });
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ kind: 'succeeded' });
});

test('terminate at any moment of short tasks hits no other: each ends by itself or is terminated', async () => {
  const targets = new Set<Job>();
  const hit = (job: Job, signal: NodeJS.Signals): void => {
    if (rig.pool.terminate(job.request.id, signal)) targets.add(job);
  };
  // From within the news that it began, and a few turns of the event loop later, when it may be about to end.
  const onStarted = (job: Job): void => {
    const n = jobs.indexOf(job);
    const signal = n % 2 === 0 ? 'SIGTERM' : 'SIGKILL';
    if (n % 12 === 0) hit(job, signal);
    else if (n % 12 === 5) setTimeout(() => hit(job, signal), 1 + (n % 7));
  };
  await using rig = poolRig({ slots: 2 }, { onStarted });
  await rig.pool.start();
  const jobs = Array.from({ length: 96 }, (_, n) => jobFor(n % 2 === 0 ? 'pool.wait' : 'pool.spin', [5], { pipelined: n % 3 !== 0 }));
  for (const job of jobs) await rig.submit(job);
  for (const job of jobs) {
    const outcome = await rig.outcomeOf(job);
    if (!targets.has(job)) expect(outcome).toMatchObject({ kind: 'succeeded' });
    else expect(['succeeded', 'terminated']).toContain(outcome.kind);
  }
  expect(targets.size).toBeGreaterThanOrEqual(8);
  expect(rig.started.length).toBe(96);
});

test('what waits behind a terminated task runs elsewhere', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const jobs = [jobFor('pool.spin', [5_000], { pipelined: true }), jobFor('pool.add', [1, 2], { pipelined: true })] as const;
  for (const job of jobs) expect(rig.pool.submit(job)).toBe(true);
  await rig.until(() => rig.started.length === 1);
  expect(rig.pool.terminate(jobs[0].request.id, 'SIGTERM')).toBe(true);
  expect(await rig.outcomeOf(jobs[0])).toMatchObject({ kind: 'terminated' });
  expect(await rig.outcomeOf(jobs[1])).toMatchObject({ kind: 'succeeded' });
});
