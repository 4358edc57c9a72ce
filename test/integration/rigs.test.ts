import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../brokers/proxy.ts';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { startSentinel } from '../brokers/sentinel.ts';
import { createLedger, noteInLedger } from '../ledger/ledger.ts';
import { basicApp, startCeleryWorker } from '../python/celery-worker.ts';
import { runPython, runPythonJson, startPythonResponder } from '../python/script.ts';
import { staysPending } from '../until.ts';

describe('the rigs', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('share one RabbitMQ node and give each test a virtual host', { timeout: 180_000 }, async () => {
    const [first, second] = await Promise.all([startRabbitmq(), startRabbitmq()]);
    expect(second.port).toBe(first.port);
    const vhost = await first.createVhost();
    await first.management('PUT', `queues/${vhost.name}/q`, { durable: true });
    expect(await second.queues(vhost)).toMatchObject([{ name: 'q', ready: 0 }]);
    await first.deleteVhost(vhost);
  });

  it('freeze, thaw and cut a connection through the proxy', async () => {
    await using proxy = await startProxy(redis.port);
    const socket = connect(proxy.port, '127.0.0.1');
    const answers: string[] = [];
    const answer = (): Promise<void> => new Promise((resolve) => socket.once('data', (data) => resolve(void answers.push(String(data)))));
    socket.write('PING\r\n');
    await answer();
    proxy.freeze();
    socket.write('PING\r\n');
    const late = answer();
    expect(await staysPending(late, 200)).toBe(true);
    proxy.thaw();
    await late;
    expect(answers.at(-1)).toBe('+PONG\r\n');
    const reset = new Promise<Error>((resolve) => socket.once('error', resolve));
    proxy.cut();
    expect((await reset).message).toContain('ECONNRESET');
  });

  it('move a master while a sentinel watches', async () => {
    await using sentinel = await startSentinel({ requirepass: 'secret' });
    expect(await sentinel.masterPort()).toBe(sentinel.first.port);
    await sentinel.failOver();
    expect(await sentinel.masterPort()).toBe(sentinel.second.port);
  });

  it('run a Celery worker and call it', { timeout: 180_000 }, async () => {
    await using worker = await startCeleryWorker({ app: basicApp({ broker: redis.database(1), backend: redis.database(1) }) });
    const source = 'import json\nfrom app import add\nprint(json.dumps(add.delay(2, 3).get(timeout=60)))';
    expect(await runPythonJson(source, { cwd: worker.dir })).toBe(5);
    expect(await worker.celery('status')).toContain(`${worker.hostname}: OK`);
  });

  it('talk to a Python process and hear its errors', async () => {
    await using python = await startPythonResponder('def handle(request):\n    print("noise")\n    return 10 / request');
    expect(await Promise.all([python.ask(2), python.ask(5)])).toEqual([5, 2]);
    await expect(python.ask(0)).rejects.toThrow('ZeroDivisionError');
    await expect(runPython('raise SystemExit(3)')).rejects.toThrow('ended with 3');
  });

  it('count what a ledger lost and what ran twice', () => {
    using ledger = createLedger();
    for (const id of ['a', 'b', 'b']) noteInLedger(ledger.path, 'end', id);
    noteInLedger(ledger.path, 'start', 'c');
    expect(ledger.lost(['a', 'b', 'c'])).toEqual(['c']);
    expect(ledger.duplicated()).toEqual(['b']);
  });
});
