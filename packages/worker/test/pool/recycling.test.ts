import { expect, test } from 'vitest';
import { isAlive, jobFor, poolRig } from './rig.ts';

const pidOf = (outcome: unknown): number => (outcome as { pid: number }).pid;

test('a child is replaced after so many tasks, strictly', async () => {
  await using rig = poolRig({ slots: 2, maxTasksPerChild: 3 });
  await rig.pool.start();
  const counts = new Map<number, number>();
  const jobs = Array.from({ length: 24 }, (_, n) => jobFor('pool.add', [n, 0], { pipelined: true }));
  for (const job of jobs) await rig.submit(job);
  for (const job of jobs) {
    const pid = pidOf(await rig.outcomeOf(job));
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  expect([...counts.values()].every((count) => count <= 3)).toBe(true);
  expect(counts.size).toBeGreaterThanOrEqual(8);
  for (const pid of counts.keys()) if (!rig.pool.pids.includes(pid)) await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
});

test('one task per child', async () => {
  await using rig = poolRig({ slots: 1, maxTasksPerChild: 1 });
  await rig.pool.start();
  const pids = [];
  for (let n = 0; n < 4; n += 1) pids.push(pidOf(await rig.run(jobFor('pool.add', [n, 0]))));
  expect(new Set(pids).size).toBe(4);
});

test('a child over its memory is replaced once a warm one is there', async () => {
  await using rig = poolRig({ slots: 1, maxMemoryPerChildKib: 400 * 1_024 });
  await rig.pool.start();
  const [pid] = rig.pool.pids;
  await rig.until(() => rig.pool.slots.free === 1);
  expect(pidOf(await rig.run(jobFor('pool.hold', [20 * 1_024 * 1_024])))).toBe(pid);
  expect(pidOf(await rig.run(jobFor('pool.wait', [60])))).toBe(pid);
  expect(pidOf(await rig.run(jobFor('pool.hold', [600 * 1_024 * 1_024])))).toBe(pid);
  await expect.poll(() => rig.pool.pids, { timeout: 30_000 }).not.toContain(pid);
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ kind: 'succeeded' });
  await expect.poll(() => isAlive(pid as number), { timeout: 30_000 }).toBe(false);
});

test('a memory limit below what an idle child takes is an error at the start, not a loop', async () => {
  await using rig = poolRig({ slots: 1, maxMemoryPerChildKib: 1_024 });
  await expect(rig.pool.start()).rejects.toThrow(
    /CELERIAC_E_CONFIG: maxMemoryPerChildKib is 1024, but a child that has done nothing takes \d+/,
  );
});

test('a child is replaced when it is old', async () => {
  await using rig = poolRig({ slots: 1, maxAgePerChildMs: 50 });
  await rig.pool.start();
  const [pid] = rig.pool.pids;
  await rig.run(jobFor('pool.wait', [60]));
  await expect.poll(() => rig.pool.pids, { timeout: 30_000 }).not.toContain(pid);
});

test('a fresh job has a process of its own, which ends with it', async () => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const residents = [...rig.pool.pids];
  const jobs = Array.from({ length: 6 }, () => jobFor('pool.pid', [], { fresh: true }));
  const pids: number[] = [];
  for (const job of jobs) await rig.submit(job);
  for (const job of jobs) pids.push(pidOf(await rig.outcomeOf(job)));
  expect(new Set(pids).size).toBe(6);
  expect(pids.some((pid) => residents.includes(pid))).toBe(false);
  expect(rig.pool.pids).toEqual(residents);
  for (const pid of pids) await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
});

test('a fresh job takes a slot while it runs, and its loss is its own', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const fresh = jobFor('pool.wait', [100], { fresh: true });
  await rig.submit(fresh);
  expect(rig.pool.slots.free).toBe(0);
  expect(rig.pool.submit(jobFor('pool.add', [1, 2]))).toBe(false);
  expect(await rig.outcomeOf(fresh)).toMatchObject({ kind: 'succeeded' });
  expect(await rig.run(jobFor('pool.die', [], { fresh: true }))).toMatchObject({ kind: 'lost', cause: 'signal 9 (SIGKILL)' });
  expect(await rig.run(jobFor('pool.spin-forever', [], { fresh: true, hardLimitMs: 100 }))).toMatchObject({ kind: 'timed-out' });
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ kind: 'succeeded' });
});
