import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobFor, type PoolRig, poolRig, requestFor } from './rig.ts';

let rig: PoolRig;
beforeAll(async () => {
  rig = poolRig({ tuning: { maxResultBytes: 10_000 } });
  await rig.pool.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

test('a result comes as JSON text', async () => {
  expect(await rig.run(jobFor('pool.add', [1, 2]))).toEqual({
    kind: 'succeeded',
    resultJson: '3',
    durationMs: expect.any(Number),
    pid: rig.pool.pids[0],
  });
  expect(await rig.run(jobFor('pool.add-later', [1, 2]))).toMatchObject({ resultJson: '3' });
});

test('every kind of text and number arrives', async () => {
  const values = ['ünï \u{1f600} \ud800', 2n ** 70n, Number.NaN, new Uint8Array([0, 255])];
  const outcome = await rig.run({ ...jobFor('pool.echo'), request: requestFor('pool.echo', values, { ключ: null }) });
  expect(outcome).toMatchObject({
    resultJson:
      '{"values": ["\\u00fcn\\u00ef \\ud83d\\ude00 \\ud800", 1180591620717411303424, NaN, {"__type__": "base64", "__value__": "AP8="}], "kwargs": {"\\u043a\\u043b\\u044e\\u0447": null}}',
  });
});

test('the context says where the request comes from', async () => {
  const request = requestFor(
    'pool.context',
    [],
    {},
    { retries: 2, rootId: 'root', parentId: 'parent', headers: { tenant: 'a', at: 2n ** 60n } },
  );
  const outcome = await rig.run({ ...jobFor('x'), request });
  expect(outcome).toMatchObject({
    resultJson: `{"id": "${request.id}", "name": "pool.context", "rootId": "root", "parentId": "parent", "retries": 2, "queue": "celery", "headers": {"tenant": "a", "at": 1152921504606846976}, "aborted": false}`,
  });
});

test('headers that have no form in JSON do not fail a task', async () => {
  const request = requestFor('pool.context', [], {}, { headers: { good: 1, bad: () => 1 } });
  expect(await rig.run({ ...jobFor('x'), request })).toMatchObject({ resultJson: expect.stringContaining('"headers": {"good": 1}') });
});

test('an error keeps its class, its text and its place', async () => {
  const outcome = await rig.run(jobFor('pool.fail', ['out of cheese']));
  expect(outcome).toMatchObject({
    kind: 'failed',
    exception: { exc_type: 'ValueError', exc_message: ['out of cheese'], exc_module: 'builtins' },
    exceptionRepr: "ValueError('out of cheese')",
    retryable: true,
  });
  const { traceback } = outcome as { traceback: string };
  expect(traceback).toMatch(/^RangeError: out of cheese\n {4}at .*fixtures\/tasks\.ts:\d+:\d+\)\ncaused by Error: the reason behind it\n/);
  expect(traceback).not.toContain('pool/prefork');
});

test('something thrown that is no error', async () => {
  expect(await rig.run(jobFor('pool.fail-oddly'))).toMatchObject({ kind: 'failed', exceptionRepr: 'Exception(7)', traceback: 'thrown: 7' });
});

test('arguments that do not bind are not retried', async () => {
  expect(await rig.run(jobFor('pool.add', [1]))).toMatchObject({
    kind: 'failed',
    exception: { exc_type: 'TypeError', exc_message: ["add() missing 1 required positional argument: 'y'"], exc_module: 'builtins' },
    retryable: false,
  });
});

test('keyword arguments bind', async () => {
  expect(await rig.run({ ...jobFor('x'), request: requestFor('pool.add', [], { y: 4, x: 5 }) })).toMatchObject({ resultJson: '9' });
});

test('a body that cannot be read', async () => {
  const request = requestFor('pool.add', [], {}, { body: Buffer.from('[[1, 2') });
  expect(await rig.run({ ...jobFor('x'), request })).toMatchObject({
    kind: 'refused',
    code: 'CELERIAC_E_BODY',
    reason: 'The body cannot be read: it is not JSON.',
  });
});

test('a task the child does not have', async () => {
  expect(await rig.run(jobFor('constructor'))).toMatchObject({
    kind: 'failed',
    exception: { exc_type: 'NotRegistered', exc_message: ['constructor'] },
    retryable: false,
  });
});

test('a retry with its options', async () => {
  expect(await rig.run(jobFor('pool.retry', [1]))).toMatchObject({
    kind: 'retry',
    exception: { exc_type: 'TypeError', exc_message: ['flaky'] },
    exceptionRepr: "TypeError('flaky')",
    countdownMs: 1_500,
    argumentsJson: '[[9], {}]',
    maxRetries: null,
  });
});

test('a retry without options leaves everything to the task', async () => {
  const outcome = await rig.run(jobFor('pool.retry-plain'));
  expect(outcome).toMatchObject({ kind: 'retry', exception: null, countdownMs: null, argumentsJson: null });
  expect((outcome as { maxRetries?: unknown }).maxRetries).toBeUndefined();
});

test('ignore and reject', async () => {
  expect(await rig.run(jobFor('pool.ignore'))).toMatchObject({ kind: 'ignored' });
  expect(await rig.run(jobFor('pool.reject'))).toMatchObject({ kind: 'rejected', requeue: true, reason: 'not mine' });
});

test('a result without a form in JSON is a failure, as is one that is too long', async () => {
  expect(await rig.run(jobFor('pool.unserializable'))).toMatchObject({
    kind: 'failed',
    exception: { exc_type: 'TypeError' },
    exceptionRepr: expect.stringContaining('the result cannot be stored'),
    retryable: false,
  });
  expect(await rig.run(jobFor('pool.big-result', [9_000]))).toMatchObject({ kind: 'succeeded' });
  expect(await rig.run(jobFor('pool.big-result', [10_001]))).toMatchObject({ kind: 'failed', exception: { exc_type: 'ValueError' } });
});

test('every job began once and ended once', () => {
  expect(rig.started.length).toBe(rig.outcomes.size);
  for (const outcomes of rig.outcomes.values()) expect(outcomes).toHaveLength(1);
});
