import type { Publication } from '@celeriac/brokers';
import { decodeBody, decodeEnvelope, type Embed, type Request, remoteException } from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';
import type { Ended } from '../../src/outcome/ended.ts';
import { createFollow } from '../../src/outcome/follow.ts';
import { plan } from '../../src/outcome/plan.ts';
import { retryDelayS } from '../../src/outcome/plan-retry.ts';
import type { Settlement } from '../../src/outcome/settlement.ts';
import type { TaskOptions } from '../../src/tasks/manifest.ts';
import { requestOf } from '../requests.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
type Outcome = Ended['outcome'];
const ran = { durationMs: 1.25, pid: 42 };
const valueError = remoteException('ValueError', ['no'], 'builtins');
const failed: Outcome = {
  kind: 'failed',
  exception: valueError,
  exceptionRepr: "ValueError('no')",
  traceback: 'at x',
  retryable: true,
  ...ran,
};
const retry = (changes: Partial<Extract<Outcome, { kind: 'retry' }>> = {}): Outcome => ({
  ...{ kind: 'retry', exception: null, exceptionRepr: '', traceback: 't', countdownMs: null, argumentsJson: null, maxRetries: undefined },
  ...ran,
  ...changes,
});
const ended = (outcome: Outcome, changes: Partial<Ended> = {}): Ended => ({
  outcome,
  request: requestOf(),
  options: {},
  queue: 'q1',
  acked: false,
  losses: 0,
  embed: null,
  endedBy: 'drain',
  hasBackend: true,
  nowMs: NOW_MS,
  random: 0.5,
  follow: createFollow({ routing: {}, queues: [{ name: 'q1' }] }),
  ...changes,
});
const stored = (settlement: Settlement): unknown[] => settlement.stores.map(({ metaJson }) => JSON.parse(metaJson) as unknown);
const sent = (publication: Publication): Request => {
  const from = { exchange: publication.exchange, routingKey: publication.routingKey, priority: null, redelivered: false };
  const decoded = decodeEnvelope(publication.message, from);
  if (decoded.kind !== 'request') throw new Error(decoded.refusal.reason);
  return decoded.request;
};
const argsOf = (request: Request): unknown => {
  const decoded = decodeBody(request);
  return decoded.kind === 'body' ? decoded.body.args : decoded.refusal;
};
const signature = (task: string, options: Record<string, unknown> = {}, immutable = false): unknown => ({
  ...{ task, args: [10], kwargs: {}, options, subtask_type: null, immutable },
});
const embed = (changes: Partial<Embed>): Embed => ({ callbacks: null, errbacks: null, chain: null, chord: null, ...changes });

describe('the matrix of outcome and acknowledgement (celery-wire 7.2)', () => {
  type Row = [string, Outcome, Partial<Ended>, Settlement['kind'], Settlement['ending'], string | null];
  const lateLost: Outcome = { kind: 'lost', cause: 'signal 9 (SIGKILL)', pid: 1 };
  const acks = { kind: 'ack' } as const;
  const done = { kind: 'nothing' } as const;
  const rows: Row[] = [
    ['success', { kind: 'succeeded', resultJson: '3', ...ran }, {}, 'succeeded', acks, 'SUCCESS'],
    ['success, acked early', { kind: 'succeeded', resultJson: '3', ...ran }, { acked: true }, 'succeeded', done, 'SUCCESS'],
    [
      'success, ignored by the task',
      { kind: 'succeeded', resultJson: '3', ...ran },
      { options: { ignoreResult: true } },
      'succeeded',
      acks,
      null,
    ],
    [
      ...(['success, the message wants it stored', { kind: 'succeeded', resultJson: '3', ...ran }] as const),
      ...([{ options: { ignoreResult: true }, request: requestOf({ ignoreResult: false }) }, 'succeeded', acks, 'SUCCESS'] as const),
    ],
    ['success without a backend', { kind: 'succeeded', resultJson: '3', ...ran }, { hasBackend: false }, 'succeeded', acks, null],
    ['failure', failed, {}, 'failed', acks, 'FAILURE'],
    ['failure, acked early', failed, { acked: true }, 'failed', done, 'FAILURE'],
    ['failure with acksOnFailure off', failed, { options: { acksOnFailure: false } }, 'failed', { kind: 'reject' }, 'FAILURE'],
    ['hard limit', { kind: 'timed-out', limitS: 2, pid: 1 }, {}, 'failed', acks, 'FAILURE'],
    ['first loss', lateLost, {}, 'requeued', { kind: 'requeue', lost: true }, null],
    ['second loss', lateLost, { losses: 1 }, 'requeued', { kind: 'requeue', lost: true }, null],
    [
      'third loss',
      lateLost,
      { losses: 2 },
      'quarantined',
      { kind: 'quarantine', code: 'CELERIAC_E_WORKER_LOST', reason: expect.any(String) },
      'FAILURE',
    ],
    [
      'only loss allowed',
      lateLost,
      { options: { maxDeliveries: 1 } },
      'quarantined',
      expect.objectContaining({ kind: 'quarantine' }),
      'FAILURE',
    ],
    ['loss of a tracked task', lateLost, { options: { trackStarted: true } }, 'requeued', { kind: 'requeue', lost: true }, 'RETRY'],
    ['loss, acked early', lateLost, { acked: true }, 'failed', done, 'FAILURE'],
    ['ignored', { kind: 'ignored', ...ran }, {}, 'ignored', acks, null],
    ['rejected', { kind: 'rejected', requeue: false, reason: 'no', ...ran }, {}, 'failed', { kind: 'reject' }, 'FAILURE'],
    [
      'rejected to run again',
      { kind: 'rejected', requeue: true, reason: 'no', ...ran },
      {},
      'rejected',
      { kind: 'requeue', lost: false },
      null,
    ],
    [
      'terminated by remote control',
      { kind: 'terminated', signal: 'SIGTERM', pid: 1 },
      { endedBy: 'remote control' },
      'revoked',
      acks,
      'REVOKED',
    ],
    [
      'terminated by the drain deadline',
      { kind: 'terminated', signal: 'SIGKILL', pid: 1 },
      {},
      'requeued',
      { kind: 'requeue', lost: false },
      null,
    ],
    ['terminated by the drain, acked early', { kind: 'terminated', signal: 'SIGKILL', pid: 1 }, { acked: true }, 'failed', done, 'FAILURE'],
    ['retry', retry(), {}, 'retried', acks, 'RETRY'],
  ];
  test.each(rows)('%s', (_name, outcome, changes, kind, ending, status) => {
    const settlement = plan(ended(outcome, changes));
    expect(settlement.kind).toBe(kind);
    expect(settlement.ending).toEqual(ending);
    expect(settlement.stores.map((store) => store.status)).toEqual(status === null ? [] : [status]);
  });
});

test('a stored success is the value as the child wrote it, and a date in UTC', () => {
  const [record] = stored(plan(ended({ kind: 'succeeded', resultJson: '{"x": [1, 2]}', ...ran })));
  expect(record).toMatchObject({
    status: 'SUCCESS',
    result: { x: [1, 2] },
    traceback: null,
    date_done: '2026-11-21T12:00:00.000000+00:00',
  });
});

test('the lost and the late are exceptions that Python knows', () => {
  expect(stored(plan(ended({ kind: 'lost', cause: 'exitcode 0', pid: 1 }, { losses: 2 })))[0]).toMatchObject({
    result: { exc_type: 'WorkerLostError', exc_module: 'billiard.exceptions', exc_message: ['Worker exited prematurely: exitcode 0.'] },
  });
  expect(stored(plan(ended({ kind: 'timed-out', limitS: 2, pid: 1 })))[0]).toMatchObject({
    result: { exc_type: 'TimeLimitExceeded', exc_module: 'billiard.exceptions', exc_message: [2] },
  });
});

test('reports are Celery’s events', () => {
  const event = (outcome: Outcome, changes: Partial<Ended> = {}): unknown => plan(ended(outcome, changes)).report?.().event;
  const uuid = requestOf().id;
  expect(event({ kind: 'succeeded', resultJson: '"x"', ...ran })).toEqual({
    type: 'task-succeeded',
    fields: { uuid, result: "'x'", runtime: 0.00125 },
  });
  expect(event(failed)).toEqual({ type: 'task-failed', fields: { uuid, exception: "ValueError('no')", traceback: 'at x' } });
  expect(event({ kind: 'timed-out', limitS: 2, pid: 1 })).toMatchObject({ fields: { exception: 'TimeLimitExceeded(2)' } });
  expect(event({ kind: 'rejected', requeue: false, reason: 'no', ...ran })).toMatchObject({
    type: 'task-failed',
    fields: { exception: "Reject('no', False)" },
  });
});

describe('retry (celery/app/task.py)', () => {
  test('publishes the same id to its own queue, one retry on, with an eta', () => {
    const settlement = plan(ended(retry({ countdownMs: 1_500 })));
    expect(settlement.publish).toHaveLength(1);
    expect(settlement.publish[0]).toMatchObject({ exchange: '', routingKey: 'q1' });
    const next = sent(settlement.publish[0] as Publication);
    expect(next).toMatchObject({ id: requestOf().id, retries: 1, parentId: requestOf().id, eta: { epochMs: NOW_MS + 1_500 } });
    expect(argsOf(next)).toEqual([1, 2]);
  });
  test('without a countdown waits the default 180 s, with 0 not at all', () => {
    expect(sent(plan(ended(retry())).publish[0] as Publication).eta?.epochMs).toBe(NOW_MS + 180_000);
    expect(sent(plan(ended(retry({ countdownMs: 0 }))).publish[0] as Publication).eta).toBeNull();
  });
  test('new arguments keep what must follow', () => {
    const callbacks = [signature('tasks.echo')];
    const body = new TextEncoder().encode(
      `[[1], {}, {"callbacks": ${JSON.stringify(callbacks)}, "errbacks": null, "chain": null, "chord": null}]`,
    );
    const settlement = plan(ended(retry({ argumentsJson: '[[9, 8], {}]' }), { request: requestOf({ body }), embed: embed({ callbacks }) }));
    const next = sent(settlement.publish[0] as Publication);
    expect(argsOf(next)).toEqual([9, 8]);
    const decoded = decodeBody(next);
    expect(decoded.kind === 'body' && decoded.body.embed.callbacks).toMatchObject([{ task: 'tasks.echo' }]);
  });
  const bounds: [string, TaskOptions, Partial<Extract<Outcome, { kind: 'retry' }>>, number, Settlement['kind']][] = [
    ['three by default', {}, {}, 2, 'retried'],
    ['no fourth', {}, {}, 3, 'failed'],
    ['none where none are allowed', { maxRetries: 0 }, {}, 0, 'failed'],
    ['no bound where it is null', { maxRetries: null }, {}, 99, 'retried'],
    ['the retry’s own bound wins', { maxRetries: 0 }, { maxRetries: 5 }, 4, 'retried'],
    ['also when it is lower', {}, { maxRetries: 1 }, 1, 'failed'],
  ];
  test.each(bounds)('%s', (_name, options, changes, retries, kind) => {
    expect(plan(ended(retry(changes), { options, request: requestOf({ retries }) })).kind).toBe(kind);
  });
  test('used up: the original exception where there was one, else MaxRetriesExceededError', () => {
    const request = requestOf({ retries: 3 });
    expect(stored(plan(ended(retry({ exception: valueError, exceptionRepr: "ValueError('no')" }), { request })))[0]).toMatchObject({
      result: { exc_type: 'ValueError' },
    });
    expect(stored(plan(ended(retry(), { request })))[0]).toMatchObject({
      result: { exc_type: 'MaxRetriesExceededError', exc_message: [`Can't retry tasks.add[${request.id}] args:(1, 2) kwargs:{}`] },
    });
  });
  test('autoretryFor catches by name, Python’s or JavaScript’s, and leaves alone what cannot be helped', () => {
    const kind = (options: TaskOptions, outcome: Outcome = failed): string => plan(ended(outcome, { options })).kind;
    expect(kind({ autoretryFor: true })).toBe('retried');
    expect(kind({ autoretryFor: ['ValueError'] })).toBe('retried');
    expect(kind({ autoretryFor: ['RangeError'] })).toBe('retried');
    expect(kind({ autoretryFor: ['KeyError'] })).toBe('failed');
    expect(kind({ autoretryFor: true }, { ...failed, retryable: false })).toBe('failed');
  });
  const delays: [TaskOptions, number, number, number][] = [
    [{}, 0, 0.9, 180],
    [{ defaultRetryDelay: 7 }, 5, 0.9, 7],
    [{ retryBackoff: true, retryJitter: false }, 0, 0, 1],
    [{ retryBackoff: true, retryJitter: false }, 4, 0, 16],
    [{ retryBackoff: 5, retryJitter: false }, 2, 0, 20],
    [{ retryBackoff: true, retryJitter: false }, 30, 0, 600],
    [{ retryBackoff: true, retryBackoffMax: 60, retryJitter: false }, 30, 0, 60],
    [{ retryBackoff: true }, 3, 0, 0],
    [{ retryBackoff: true }, 3, 0.999, 8],
  ];
  test.each(delays)('delay of %j at retry %i with random %f is %i s', (options, retries, random, expected) => {
    expect(retryDelayS(options, retries, random)).toBe(expected);
  });
});

describe('what follows', () => {
  test('a callback gets the result, and is a child in the record', () => {
    const settlement = plan(
      ended(
        { kind: 'succeeded', resultJson: '12345678901234567890', ...ran },
        { embed: embed({ callbacks: [signature('tasks.echo', { task_id: 'next' })] }) },
      ),
    );
    const next = sent(settlement.publish[0] as Publication);
    expect(next).toMatchObject({ id: 'next', taskName: 'tasks.echo', parentId: requestOf().id, rootId: requestOf().rootId });
    expect(argsOf(next)).toEqual([12345678901234567890n, 10]);
    expect(stored(settlement)[0]).toMatchObject({ children: [[['next', null], null]] });
  });
  test('is the same task when it has to be published again', () => {
    const ids = [1, 2].map(() => {
      const settlement = plan(
        ended({ kind: 'succeeded', resultJson: '1', ...ran }, { embed: embed({ callbacks: [signature('tasks.echo')] }) }),
      );
      return sent(settlement.publish[0] as Publication).id;
    });
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
  test('the next of a chain carries the rest; a failure fails the rest', () => {
    const chain = [signature('tasks.last', { task_id: 'last' }), signature('tasks.next', { task_id: 'next' })];
    const body = embed({ chain });
    const [next] = plan(ended({ kind: 'succeeded', resultJson: '1', ...ran }, { embed: body })).publish.map(sent);
    expect(next).toMatchObject({ id: 'next', taskName: 'tasks.next' });
    const decoded = decodeBody(next as Request);
    expect(decoded.kind === 'body' && decoded.body.embed.chain).toMatchObject([{ task: 'tasks.last' }]);
    const failure = plan(ended(failed, { embed: body }));
    expect(new Map(failure.stores.map(({ taskId, status }) => [taskId, status]))).toEqual(
      new Map([requestOf().id, 'last', 'next'].map((id) => [id, 'FAILURE'])),
    );
    expect(failure.publish).toEqual([]);
  });
  test('errbacks get the id of the failed task', () => {
    const [errback] = plan(ended(failed, { embed: embed({ errbacks: [signature('tasks.onerror')] }) })).publish.map(sent);
    expect(errback).toMatchObject({ taskName: 'tasks.onerror', parentId: requestOf().id });
    expect(argsOf(errback as Request)).toEqual([requestOf().id, 10]);
  });
  test('a part of a chord is refused before it runs, with what to do', () => {
    const { follow } = ended(failed);
    const part = requestOf({ groupId: 'g' });
    expect(follow.check(part, embed({ chord: signature('tasks.body') }))).toMatchObject({ code: 'CELERIAC_E_PROTOCOL', id: part.id });
    const chord = {
      task: 'celery.chord',
      args: [],
      kwargs: { header: [signature('tasks.a')], body: signature('tasks.b') },
      options: {},
      subtask_type: 'chord',
      immutable: false,
    };
    expect(follow.check(part, embed({ chain: [chord] }))).toMatchObject({ code: 'CELERIAC_E_PROTOCOL' });
    expect(follow.check(part, embed({ callbacks: [signature('tasks.a')] }))).toBeNull();
  });
});
