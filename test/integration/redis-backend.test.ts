import { createResultBackend, type ResultBackend, type ResultBackendOptions } from '@celeriac/brokers';
import { encodeResultMeta } from '@celeriac/protocol';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startProxy } from '../brokers/proxy.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { until } from '../until.ts';

const record = (taskId: string, status: string, resultJson = '5'): { taskId: string; status: string; metaJson: string } => ({
  taskId,
  status,
  metaJson: encodeResultMeta({ taskId, status, resultJson }),
});

describe('the Redis result backend', () => {
  let server: RedisServer;
  let admin: Redis;
  const made: ResultBackend[] = [];
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await admin.flushall();
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((backend) => backend.close()));
  });
  const create = async (more: Partial<ResultBackendOptions> = {}): Promise<ResultBackend> => {
    const backend = await createResultBackend({ url: server.url, ...more });
    made.push(backend);
    return backend;
  };
  const signal = AbortSignal.timeout(300_000);

  it('stores many results of a turn, each with its time to live', async () => {
    const backend = await create({ resultExpires: 1_000 });
    const stored = await Promise.all(
      Array.from({ length: 600 }, (_, index) => backend.store(record(`t-${index}`, 'SUCCESS', String(index)))),
    );
    expect(stored.every(Boolean)).toBe(true);
    expect((await backend.fetch('t-599'))?.result).toBe(599);
    expect(await admin.ttl('celery-task-meta-t-0')).toBeGreaterThan(900);
    expect(await backend.fetch('never')).toBeUndefined();
  });

  it('keeps results for ever with resultExpires 0', async () => {
    const backend = await create({ resultExpires: 0 });
    await backend.store(record('ever', 'SUCCESS'));
    expect(await admin.ttl('celery-task-meta-ever')).toBe(-1);
  });

  it('never overwrites a SUCCESS, but everything else', async () => {
    const backend = await create();
    expect(await backend.store(record('a', 'STARTED', 'null'))).toBe(true);
    expect(await backend.store(record('a', 'FAILURE', 'null'))).toBe(true);
    expect(await backend.store(record('a', 'SUCCESS', '1'))).toBe(true);
    expect(await backend.store(record('a', 'FAILURE', 'null'))).toBe(false);
    expect(await backend.store(record('a', 'SUCCESS', '2'))).toBe(false);
    expect((await backend.fetch('a'))?.result).toBe(1);
  });

  it('sees a SUCCESS that is written in another order, and one that is no record', async () => {
    const backend = await create();
    await admin.set('celery-task-meta-b', '{"result": 7, "status": "SUCCESS", "task_id": "b"}');
    expect(await backend.store(record('b', 'FAILURE', 'null'))).toBe(false);
    await admin.set('celery-task-meta-c', '{"result": 7, "status": "RETRY", "task_id": "c"}');
    await admin.set('celery-task-meta-d', 'rubbish');
    expect(await backend.store(record('c', 'SUCCESS'))).toBe(true);
    expect(await backend.store(record('d', 'SUCCESS'))).toBe(true);
    expect((await backend.fetch('d'))?.status).toBe('SUCCESS');
  });

  it('tells watchers of the first final record and stops listening', async () => {
    const [backend, other] = [await create(), await create()];
    const watching = [backend.watch('w', signal), backend.watch('w', signal)];
    await until(async () => Number((await admin.pubsub('NUMSUB', 'celery-task-meta-w'))[1]) === 1, { what: 'a subscription' });
    await other.store(record('w', 'STARTED', 'null'));
    await other.store(record('w', 'SUCCESS', '42'));
    for (const meta of await Promise.all(watching)) expect(meta.result).toBe(42);
    await until(async () => Number((await admin.pubsub('NUMSUB', 'celery-task-meta-w'))[1]) === 0, { what: 'the end of the subscription' });
    expect((await backend.watch('w', signal)).result).toBe(42);
  });

  it('rejects a watch whose signal aborts, and all at close', async () => {
    const backend = await create();
    const abort = new AbortController();
    const watching = backend.watch('x', abort.signal);
    abort.abort(new Error('enough'));
    await expect(watching).rejects.toThrow('enough');
    const other = backend.watch('y', signal);
    await until(async () => Number((await admin.pubsub('NUMSUB', 'celery-task-meta-y'))[1]) === 1, { what: 'a subscription' });
    await backend.close();
    await expect(other).rejects.toMatchObject({ code: 'CELERIAC_E_CLOSED' });
  });

  it('does not miss a result that comes while its connections are broken', async () => {
    const [backend, other] = [await create(), await create()];
    const watching = backend.watch('z', signal);
    await until(async () => Number((await admin.pubsub('NUMSUB', 'celery-task-meta-z'))[1]) === 1, { what: 'a subscription' });
    await admin.call('client', 'KILL', 'TYPE', 'pubsub');
    await other.store(record('z', 'FAILURE', 'null'));
    expect((await watching).status).toBe('FAILURE');
    await admin.call('client', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await backend.store(record('after', 'SUCCESS'))).toBe(true);
  });

  it('does not miss a result whose subscription was under way when its connection broke', async () => {
    await using proxy = await startProxy(server.port);
    const [backend, other] = [await create({ url: proxy.url(server.url) }), await create()];
    const warm = backend.watch('warm', signal);
    await other.store(record('warm', 'SUCCESS'));
    await warm;
    proxy.freeze();
    const watching = [backend.watch('late', signal), backend.watch('late', signal)];
    await new Promise(setImmediate);
    proxy.cut();
    proxy.thaw();
    await until(async () => Number((await admin.pubsub('NUMSUB', 'celery-task-meta-late'))[1]) === 1, { what: 'a subscription' });
    await other.store(record('late', 'SUCCESS', '7'));
    for (const meta of await Promise.all(watching)) expect(meta.result).toBe(7);
  });

  it('forgets results and counts starts', async () => {
    const backend = await create();
    await backend.store(record('f', 'SUCCESS'));
    await backend.forget('f');
    expect(await backend.fetch('f')).toBeUndefined();
    expect([await backend.startsCounted('f'), await backend.countStart('f'), await backend.countStart('f')]).toEqual([0, 1, 2]);
    expect(await backend.startsCounted('f')).toBe(2);
  });

  it("puts Celery's prefix in front of its keys", async () => {
    const backend = await create({ transportOptions: { globalKeyprefix: 'app' } });
    await backend.store(record('p', 'SUCCESS'));
    expect(await admin.keys('*')).toEqual(['app_celery-task-meta-p']);
  });

  it('survives SCRIPT FLUSH', async () => {
    const backend = await create();
    await backend.store(record('one', 'SUCCESS'));
    await admin.script('FLUSH');
    expect(await backend.store(record('two', 'SUCCESS'))).toBe(true);
  });
});
