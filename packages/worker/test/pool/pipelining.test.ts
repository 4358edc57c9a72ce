import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Job } from '../../src/pool/pool.ts';
import { createGate } from '../gate.ts';
import { jobFor, poolRig, requestFor } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-pipelining-'));
afterAll(() => rmSync(folder, { recursive: true }));
const short = (name: string, args: readonly unknown[] = []): Job => jobFor(name, args, { pipelined: true });
const labels = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

test('many short jobs share few children, each runs once and in one piece', async () => {
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const jobs = Array.from({ length: 5_000 }, (_, n) => short(n % 7 === 0 ? 'pool.add-later' : 'pool.add', [n, 1]));
  for (const job of jobs) await rig.submit(job);
  const outcomes = await Promise.all(jobs.map((job) => rig.outcomeOf(job)));
  expect(outcomes.map((outcome) => outcome.kind === 'succeeded' && outcome.resultJson)).toEqual(jobs.map((_, n) => String(n + 1)));
  expect(rig.started.length).toBe(5_000);
  expect(rig.logs).toEqual([]);
  expect(new Set(rig.started.map(({ pid }) => pid)).size).toBe(2);
});

test('a job that may not wait goes to an idle child only', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  expect(rig.pool.slots).toEqual({ total: 1, free: 1 });
  expect(rig.pool.room(false)).toBe(1);
  expect(rig.pool.submit(short('pool.add', [1, 2]))).toBe(true);
  expect(rig.pool.slots).toEqual({ total: 1, free: 0 });
  expect(rig.pool.room(false)).toBe(0);
  expect(rig.pool.submit(jobFor('pool.add', [1, 2]))).toBe(false);
  expect(rig.pool.room(true)).toBeGreaterThan(0);
});

test('nothing waits behind a job that is not known to be short, or that has a large body', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const alone = jobFor('pool.wait', [50]);
  expect(rig.pool.submit(alone)).toBe(true);
  expect(rig.pool.room(true)).toBe(0);
  expect(rig.pool.submit(short('pool.add', [1, 2]))).toBe(false);
  await rig.outcomeOf(alone);
  const large = short('pool.echo', ['x'.repeat(100_000)]);
  await rig.submit(short('pool.add', [1, 2]));
  expect(rig.pool.submit(large)).toBe(false);
  await rig.submit(large);
  expect(await rig.outcomeOf(large)).toMatchObject({ kind: 'succeeded' });
});

test.each(['pool.spin-and-note', 'pool.sleep-and-note'])(
  'what waits behind a long %s goes to others while it still runs, and runs once',
  async (long) => {
    using gate = createGate();
    await using rig = poolRig({ slots: 2 });
    await rig.pool.start();
    const file = join(folder, long);
    const first = short(long, [file, 'long', gate.path]);
    const behind = Array.from({ length: 20 }, (_, n) => short('pool.spin-and-note', [file, `short-${n}`, 0]));
    // All in one turn, so that some are certain to wait behind the long one.
    for (const job of [first, ...behind]) expect(rig.pool.submit(job)).toBe(true);
    await Promise.all(behind.map((job) => rig.outcomeOf(job)));
    expect(rig.outcomes.has(first)).toBe(false);
    const busy = rig.started.find(({ job }) => job === first)?.pid;
    for (const job of behind) expect(rig.started.find((entry) => entry.job === job)?.pid).not.toBe(busy);
    gate.open();
    expect(await rig.outcomeOf(first)).toMatchObject({ kind: 'succeeded' });
    expect(labels(file).length).toBe(21);
    expect(new Set(labels(file).map((line) => line.split(' ')[0])).size).toBe(21);
    // The child that voided its queue works on.
    for (let n = 0; n < 10; n += 1) expect(await rig.run(short('pool.add', [n, 1]))).toMatchObject({ resultJson: String(n + 1) });
  },
);

test('tasks about as long as the bound never run twice and never get lost', async () => {
  await using rig = poolRig({ slots: 3, tuning: { voidMs: 2 } });
  await rig.pool.start();
  const file = join(folder, 'about');
  const jobs = Array.from({ length: 600 }, (_, n) =>
    short(n % 5 === 0 ? 'pool.sleep-and-note' : 'pool.spin-and-note', [file, `n${n}`, n % 3 === 0 ? 0 : Math.abs(Math.sin(n)) * 12]),
  );
  for (const job of jobs) await rig.submit(job);
  await Promise.all(jobs.map((job) => rig.outcomeOf(job)));
  const ran = labels(file).map((line) => line.split(' ')[0]);
  expect(ran.length).toBe(600);
  expect(new Set(ran).size).toBe(600);
  expect(rig.started.length).toBe(600);
  for (const outcomes of rig.outcomes.values()) expect(outcomes).toMatchObject([{ kind: 'succeeded' }]);
  // No child was taken for one that breaks the rules.
  expect(rig.logs).toEqual([]);
});

test('jobs of one turn are announced in order, and each before it ends', async () => {
  const events: string[] = [];
  await using rig = poolRig(
    { slots: 1 },
    {
      onStarted: (job) => events.push(`start ${job.request.id}`),
      onOutcome: (job) => events.push(`end ${job.request.id}`),
    },
  );
  await rig.pool.start();
  const jobs = [1, 2, 3].map((n) => short('pool.add', [n, n]));
  for (const job of jobs) rig.pool.submit(job);
  await Promise.all(jobs.map((job) => rig.outcomeOf(job)));
  expect(events).toEqual(jobs.flatMap(({ request: { id } }) => [`start ${id}`, `end ${id}`]));
});

test('room is announced once it appears', async () => {
  using gate = createGate();
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const job = jobFor('pool.wait', [gate.path]);
  await rig.submit(job);
  await rig.until(() => rig.started.length === 1);
  await new Promise((resolve) => setImmediate(resolve));
  const before = rig.rooms;
  gate.open();
  await rig.outcomeOf(job);
  await rig.until(() => rig.rooms > before);
  expect(rig.pool.room(false)).toBe(1);
});

test('while tasks run in a row the child still serves its timers', async () => {
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  const slow = { ...short('x'), softLimitMs: 50, request: requestFor('pool.wait-with-reason') };
  await rig.submit(slow);
  expect(await rig.outcomeOf(slow)).toMatchObject({ kind: 'failed', exception: { exc_type: 'SoftTimeLimitExceeded' } });
});
