import { expect, test } from 'vitest';
import { FRAME } from '../../src/pool/prefork/frame-types.ts';
import { isAlive, jobFor, poolRig } from './rig.ts';

test.each([
  ['pool.die', [], 'signal 9 (SIGKILL)'],
  ['pool.die-later', [], 'signal 9 (SIGKILL)'],
  ['pool.exit', [0], 'exitcode 0'],
  ['pool.exit', [3], 'exitcode 3'],
])('%s %j is lost with its cause; a spare serves at once', async (name, args, cause) => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const [pid] = rig.pool.pids;
  expect(await rig.run(jobFor(name, args))).toEqual({ kind: 'lost', cause, pid });
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ resultJson: '3' });
  expect(rig.pool.pids).not.toContain(pid);
});

test('what waited behind a lost job is run elsewhere, once', async () => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const lost = jobFor('pool.die', [], { pipelined: true });
  const others = Array.from({ length: 30 }, (_, n) => jobFor('pool.add', [n, 0], { pipelined: true }));
  for (const job of [lost, ...others]) expect(rig.pool.submit(job)).toBe(true);
  expect(await rig.outcomeOf(lost)).toMatchObject({ kind: 'lost' });
  for (const job of others) expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
  expect(rig.started.length).toBe(31);
});

test('children killed from outside at any moment lose at most what runs', async () => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const jobs = Array.from({ length: 4_000 }, (_, n) => jobFor('pool.add', [n, 0], { pipelined: true }));
  let submitted = 0;
  for (const job of jobs) {
    await rig.submit(job);
    submitted += 1;
    const victim = rig.pool.pids[submitted % 2];
    if (submitted % 400 === 0 && victim !== undefined) process.kill(victim, 'SIGKILL');
  }
  const outcomes = await Promise.all(jobs.map((job) => rig.outcomeOf(job)));
  const lost = outcomes.filter(({ kind }) => kind === 'lost');
  expect(lost.length).toBeLessThanOrEqual(10);
  expect(outcomes.filter(({ kind }) => kind === 'succeeded').length).toBe(4_000 - lost.length);
  for (const kept of rig.outcomes.values()) expect(kept).toHaveLength(1);
});

const head = (length: number, type: number): string => {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE(length, 0);
  bytes[4] = type;
  return bytes.toString('base64');
};
const numbers = (type: number, ...values: number[]): string => {
  const bytes = Buffer.alloc(5 + 4 * values.length);
  bytes.writeUInt32LE(1 + 4 * values.length, 0);
  bytes[4] = type;
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, 5 + 4 * at);
  return bytes.toString('base64');
};
test.each([
  ['noise', Buffer.from('this is no frame at all').toString('base64')],
  ['a huge length', head(0xffff_ffff, FRAME.SUCCEEDED)],
  ['an unknown type', head(10, 77)],
  ['the outcome of another job', numbers(FRAME.SUCCEEDED, 77, 0, 0, 0, 0)],
  ['a beginning out of turn', numbers(FRAME.BEGAN, 5, 0)],
  ['a log line that is none', numbers(FRAME.LOG, 5, 0)],
  ['a second greeting', head(1, FRAME.READY)],
])('a child that sends %s is killed and replaced', async (_what, base64) => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const outcome = await rig.run(jobFor('pool.garbage', [base64]));
  expect(outcome).toMatchObject({ kind: 'lost', cause: expect.stringMatching(/^signal 9 \(SIGKILL\), ended for /) });
  expect(await isAlive((outcome as { pid: number }).pid)).toBe(false);
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ resultJson: '3' });
});

test('a child that closes its link is replaced', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  expect(await rig.run(jobFor('pool.close-link'))).toMatchObject({ kind: 'lost' });
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ resultJson: '3' });
});

test('a child that stands still between tasks is killed; the job it was sent had not begun and runs elsewhere', async () => {
  await using rig = poolRig({ slots: 1, tuning: { stallMs: 1_000 } });
  await rig.pool.start();
  // On a slow machine the first child may itself be taken for one that stands still.
  const { pid } = (await rig.run(jobFor('pool.freeze', [1]))) as { readonly pid: number };
  const { readFile } = await import('node:fs/promises');
  await expect.poll(() => readFile(`/proc/${pid}/stat`, 'utf8'), { timeout: 30_000 }).toMatch(/\) T /);
  const job = jobFor('pool.add', [1, 2]);
  await rig.submit(job);
  expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
  expect(rig.started.filter((entry) => entry.job === job).length).toBe(1);
  expect(rig.pool.pids).not.toContain(pid);
});

test('an error nobody catches fails the task it comes from, and the child is replaced', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const [pid] = rig.pool.pids;
  expect(await rig.run(jobFor('pool.stray'))).toMatchObject({ kind: 'failed', exceptionRepr: "Exception('nobody caught me')" });
  expect(await rig.run(jobFor('pool.stray-throw'))).toMatchObject({ kind: 'failed', exception: { exc_type: 'TypeError' } });
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toMatchObject({ kind: 'succeeded' });
  expect(rig.pool.pids).not.toContain(pid);
});

test('an error that comes after its task has ended is logged and blames no other', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const jobs = [jobFor('pool.stray-after', [], { pipelined: true }), jobFor('pool.wait', [100], { pipelined: true })];
  for (const job of jobs) expect(rig.pool.submit(job)).toBe(true);
  for (const job of jobs) expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
  await rig.until(() => rig.logs.some(({ level, text }) => level === 'error' && text.includes('too late to count')));
});
