// Our producer calls tasks that a real Python Celery worker runs.

import { Celery, isCeleriacError } from '@celeriac/producer';
import { PyDate, PyDateTime, PyDecimal, PyUuid } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basicApp, type CeleryWorker, startCeleryWorker } from '../python/celery-worker.ts';
import type { PythonPeerName } from '../python/venv.ts';
import { type BrokerKind, type BrokerRig, openBroker } from './broker-rig.ts';

const MATRIX: readonly (readonly [PythonPeerName, BrokerKind])[] = [
  ['celery57', 'redis'],
  ['celery57', 'rabbitmq'],
  ['celery57', 'embedded'],
  ['celery56', 'redis'],
];

const DESCRIBE = `
@app.task(name='tasks.describe')
def describe(value):
    return [type(value).__name__, repr(value)]

@app.task(name='tasks.request', bind=True)
def request(self):
    r = self.request
    return {'id': r.id, 'root_id': r.root_id, 'tenant': (r.headers or {}).get('tenant'), 'timelimit': r.timelimit, 'priority': r.delivery_info.get('priority')}
`;

for (const [peer, kind] of MATRIX) {
  describe(`we call a ${peer} worker over ${kind}`, () => {
    let rig: BrokerRig;
    let worker: CeleryWorker;
    let app: Celery;

    beforeAll(async () => {
      rig = await openBroker(kind);
      worker = await startCeleryWorker({ peer, app: basicApp({ broker: rig.broker, backend: rig.backend, body: DESCRIBE }) });
      app = new Celery({ broker: rig.broker, backend: rig.backend });
    });

    afterAll(async () => {
      await app?.close();
      await worker?.stop();
      await rig?.stop();
    });

    const call = async (name: string, args: readonly unknown[], options: object = {}): Promise<unknown> => {
      const result = await app.sendTask(name, { args, ...options });
      return await result.get({ timeoutMs: 60_000 });
    };

    test('arguments by position and by name, and the result', async () => {
      expect(await call('tasks.add', [2, 3])).toBe(5);
      expect(await call('tasks.add', [], { kwargs: { x: 2, y: 40 } })).toBe(42);
    });

    test.each<[unknown, string, string]>([
      [2n ** 70n, 'int', '1180591620717411303424'],
      ['Ünïcödé \u2603', 'str', "'Ünïcödé ☃'"],
      [new PyDateTime('2026-11-21T10:30:15.123456+00:00'), 'datetime', 'datetime.datetime(2026, 11, 21, 10, 30, 15, 123456, tzinfo='],
      [new PyDate('2026-11-21'), 'date', 'datetime.date(2026, 11, 21)'],
      [new PyDecimal('0.10'), 'Decimal', "Decimal('0.10')"],
      [new PyUuid('12345678-1234-5678-1234-567812345678'), 'UUID', "UUID('12345678-1234-5678-1234-567812345678')"],
      [new Uint8Array([0, 255, 254]), 'bytes', "b'\\x00\\xff\\xfe'"],
      [Number.NaN, 'float', 'nan'],
      [Number.NEGATIVE_INFINITY, 'float', '-inf'],
    ])('%s arrives as a Python %s', async (value, type, repr) => {
      const [typeName, text] = (await call('tasks.describe', [value])) as [string, string];
      expect(typeName).toBe(type);
      expect(text.startsWith(repr)).toBe(true);
    });

    test('what Python raises is rejected with its class, arguments and traceback', async () => {
      const error = await call('tasks.fail', ['boom']).catch((caught: unknown) => caught);
      expect(isCeleriacError(error, 'CELERIAC_E_TASK_FAILED')).toBe(true);
      expect((error as Error).cause).toMatchObject({ excType: 'ValueError', excModule: 'builtins', excMessage: ['boom'] });
      expect(String(((error as Error).cause as { traceback: string }).traceback)).toContain('raise ValueError(message)');
    });

    test('retries, countdown and expiry are honoured', async () => {
      expect(await call('tasks.flaky', [2])).toBe(2);
      const sentAt = Date.now();
      expect(await call('tasks.add', [1, 1], { countdown: 2 })).toBe(2);
      expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1_900);
      const revoked = await call('tasks.add', [1, 1], { countdown: 2, expires: 1 }).catch((caught: unknown) => caught);
      expect(isCeleriacError(revoked, 'CELERIAC_E_TASK_REVOKED')).toBe(true);
    });

    test('headers, limits and ids arrive', async () => {
      const result = await app.sendTask('tasks.request', {
        headers: { tenant: 'a', epochMs: 1_760_000_000_000 },
        timeLimit: 300,
        softTimeLimit: 200,
      });
      expect(await result.get({ timeoutMs: 60_000 })).toMatchObject({
        id: result.id,
        root_id: result.id,
        tenant: 'a',
        timelimit: [300, 200],
      });
    });

    test('status, forget and a result that never comes', async () => {
      const result = await app.sendTask('tasks.add', { args: [1, 2] });
      await result.get({ timeoutMs: 60_000 });
      expect(await result.status()).toBe('SUCCESS');
      await result.forget();
      expect(await result.status()).toBe('PENDING');
    });

    test('publishMany reaches the worker', async () => {
      const add = app.task<(x: number, y: number) => number>('tasks.add');
      const ids = Array.from({ length: 200 }, () => crypto.randomUUID());
      await app.publishMany(ids.map((taskId, index) => add.signature({ args: [index, 1], taskId })));
      const values = await Promise.all(ids.map((id) => app.result<number>(id).get({ timeoutMs: 60_000 })));
      expect(values).toEqual(ids.map((_, index) => index + 1));
    });
  });
}
