import { type Delivery, silentLogger } from '@celeriac/brokers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Attempt, createAttempt } from '../../src/intake/attempt.ts';
import { Booking } from '../../src/intake/booking.ts';
import type { Job, Pool } from '../../src/pool/pool.ts';
import { RunTimes } from '../../src/strategy/run-times.ts';
import { requestOf } from '../requests.ts';

let nowMs = 0;
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** As much of a pool as booking sees: one slot, and room behind it for `depth` short jobs. */
function onePlace(depth = 0, slots = 1) {
  const jobs: Job[] = [];
  const room = (pipelined: boolean): number =>
    jobs.length < slots ? slots - jobs.length : pipelined ? Math.max(0, depth - jobs.length) : 0;
  const submit = (job: Job): boolean => room(job.pipelined) > 0 && jobs.push(job) > 0;
  return { jobs, pool: { room, submit } as unknown as Pool };
}
function rig(depth = 0, slots = 1, mayStart: (attempt: Attempt) => boolean = () => true) {
  const { jobs, pool } = onePlace(depth, slots);
  const unstarted: string[] = [];
  const runTimes = new RunTimes();
  const booking = new Booking({
    ...{ pool, runTimes, backend: null, limits: { timeLimitS: 9, softTimeLimitS: null }, now: () => nowMs, logger: silentLogger },
    mayStart,
    onLostTooOften: () => {},
    onUnstarted: (attempt, why) => void unstarted.push(`${attempt.request.id} ${why}`),
  });
  const started = (): string[] => jobs.map(({ request }) => request.id);
  return { jobs, booking, runTimes, unstarted, started };
}
/** A delivery that says what happens when its start is to be recorded. */
function attemptOf(
  id: string,
  markStarted: () => Promise<void> | undefined = () => undefined,
  lost = false,
  redelivered = false,
  losses = 0,
): Attempt {
  const signal = lost ? AbortSignal.abort() : new AbortController().signal;
  const delivery = { markStarted, lost: signal, redelivered, losses, lossesAreComplete: true } as Partial<Delivery> as Delivery;
  return createAttempt(delivery, requestOf({ id }), { name: 'tasks.add', options: {} }, 0);
}
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

test('in order, as far as there is room, with the limits of the worker', () => {
  const { booking, jobs, started } = rig();
  for (const id of ['a', 'b']) booking.add(attemptOf(id));
  booking.book();
  expect(started()).toEqual(['a']);
  expect(jobs[0]).toMatchObject({ hardLimitMs: 9_000, softLimitMs: null, pipelined: false, fresh: false });
  expect(booking.waiting).toBe(1);
});

test('not before its start is recorded; the slot is kept for it', async () => {
  const { booking, started } = rig();
  const { promise, resolve } = Promise.withResolvers<void>();
  booking.add(attemptOf('a', () => promise));
  booking.add(attemptOf('b'));
  booking.book();
  expect(started()).toEqual([]);
  expect(booking.startsAtOnce()).toBe(0);
  resolve();
  await settle();
  expect(started()).toEqual(['a']);
});

test('a claim that is lost meanwhile frees the slot for the next', async () => {
  const { booking, started, unstarted } = rig();
  booking.add(attemptOf('a', () => Promise.reject(new Error('lost')), true));
  booking.add(attemptOf('b'));
  booking.book();
  await settle();
  expect(unstarted).toEqual(['a lost']);
  expect(started()).toEqual(['b']);
});

test('a start that could not be recorded is tried again a little later', async () => {
  const { booking, started } = rig();
  let tries = 0;
  booking.add(attemptOf('a', () => (++tries < 3 ? Promise.reject(new Error('away')) : undefined)));
  booking.book();
  await settle();
  expect(started()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([tries, started()]).toEqual([3, ['a']]);
});

test('what is being recorded when the worker closes is handed back', async () => {
  const { booking, unstarted, started } = rig();
  const { promise, resolve } = Promise.withResolvers<void>();
  booking.add(attemptOf('a', () => promise));
  booking.book();
  booking.close();
  resolve();
  await settle();
  expect([unstarted, started()]).toEqual([['a closed'], []]);
});

test('short tasks wait behind each other without a record; redelivered ones never do', () => {
  const { booking, runTimes, jobs, started } = rig(10);
  for (let n = 0; n < 3; n++) runTimes.record('tasks.add', 1);
  let marks = 0;
  const mark = (): undefined => {
    marks += 1;
  };
  for (const id of ['a', 'b', 'c']) booking.add(attemptOf(id, mark));
  booking.add(attemptOf('again', mark, false, true));
  booking.book();
  expect(started()).toEqual(['a', 'b', 'c']);
  expect(jobs.every(({ pipelined }) => pipelined)).toBe(true);
  expect([marks, booking.waiting]).toEqual([0, 1]);
});

test('a short task that still runs a little later is recorded then', async () => {
  const { booking, runTimes } = rig(10);
  for (let n = 0; n < 3; n++) runTimes.record('tasks.add', 1);
  const marks: string[] = [];
  const [quick, slow] = ['quick', 'slow'].map((id) => attemptOf(id, () => void marks.push(id))) as [Attempt, Attempt];
  for (const attempt of [quick, slow]) {
    booking.add(attempt);
    booking.book();
    attempt.phase = 'running';
    booking.began(attempt);
  }
  quick.phase = 'settling';
  await vi.advanceTimersByTimeAsync(20);
  expect(marks).toEqual(['slow']);
});

test('what may have ended a worker waits for its turn and holds up nobody else', async () => {
  const { booking, jobs, started } = rig(0, 2);
  const [last, next, fresh] = [
    attemptOf('last', undefined, false, true, 2),
    attemptOf('next', undefined, false, true, 2),
    attemptOf('fresh'),
  ];
  for (const attempt of [last, next, fresh]) booking.add(attempt);
  booking.book();
  expect(started()).toEqual(['last', 'fresh']);
  expect([booking.waiting, booking.startsAtOnce()]).toEqual([1, 0]);
  last.phase = 'settling';
  jobs.shift();
  booking.book();
  expect(started()).toEqual(['fresh', 'next']);
  expect(booking.waiting).toBe(0);
});

test('a suspect that must not start any more when its turn comes makes way', () => {
  const revoked = new Set<string>();
  const { booking, jobs, started } = rig(0, 2, ({ request }) => !revoked.has(request.id));
  const all = ['last', 'revoked', 'next'].map((id) => attemptOf(id, undefined, false, true, 2)) as [Attempt, Attempt, Attempt];
  for (const attempt of all) booking.add(attempt);
  booking.book();
  expect(started()).toEqual(['last']);
  revoked.add('revoked');
  all[0].phase = 'settling';
  jobs.shift();
  booking.book();
  expect(started()).toEqual(['next']);
});

test('a suspect whose claim is lost before its start makes way', async () => {
  const { booking, started, unstarted } = rig(0, 2);
  const lost = attemptOf('last', () => Promise.reject(new Error('lost')), true, true, 2);
  for (const attempt of [lost, attemptOf('next', undefined, false, true, 2)]) booking.add(attempt);
  booking.book();
  await settle();
  expect([unstarted, started()]).toEqual([['last lost'], ['next']]);
});

test('a run of a minute holds up no suspect: the next starts by itself', async () => {
  const { booking, started } = rig(0, 2);
  const [last, next] = ['last', 'next'].map((id) => attemptOf(id, undefined, false, true, 2)) as [Attempt, Attempt];
  for (const attempt of [last, next]) booking.add(attempt);
  booking.book();
  last.phase = 'running';
  last.startedAtMs = nowMs;
  nowMs += 60_000;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started()).toEqual(['last', 'next']);
});

test('a suspect kept aside is handed back like any other that waits', () => {
  const { booking } = rig(0, 2);
  const all = ['a', 'b'].map((id) => attemptOf(id, undefined, false, true, 2));
  for (const attempt of all) booking.add(attempt);
  booking.book();
  booking.close();
  expect(booking.remove(() => true)).toEqual([all[1]]);
});
