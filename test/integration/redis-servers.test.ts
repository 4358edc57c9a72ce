import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger, TransportOptions } from '@celeriac/brokers';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { consume, createInbox, expectCode, freshQueue, ids, numbered, publishAll } from '../conformance/transport-rig.ts';
import { spawnProcess } from '../spawned-process.ts';
import { letTimePass, until } from '../until.ts';
import { transportShelf } from './redis-rig.ts';

/** Log lines as text. */
function recorder(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
  return { lines, debug: write, info: write, warn: write, error: write };
}

describe('kinds of Redis servers', () => {
  const shelf = transportShelf();
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await shelf.close();
    for (const end of ends.splice(0).reverse()) await end();
  });
  const started = async (...args: Parameters<typeof startRedis>): Promise<RedisServer> => {
    const server = await startRedis(...args);
    ends.push(server.stop);
    return server;
  };
  /** A message there and back. */
  const works = async (options: TransportOptions): Promise<void> => {
    const transport = shelf.create(options);
    const queue = freshQueue('works');
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue]);
    await publishAll(transport, queue, ['one']);
    expect(ids(await inbox.atLeast(1))).toEqual(['one']);
  };

  it('takes a password with every special character, and names no password in errors and logs', async () => {
    const password = 'p@ss:w/ö?r#d%[1] "x"&=+;$';
    const server = await started({ requirepass: password });
    const logger = recorder();
    await works({ url: server.url, logger });
    const wrong = server.url.replace(encodeURIComponent(password), 'wr0ngsecret');
    const refused = shelf.create({ url: wrong, logger });
    const error = await refused.queues.depth('q').then(String, String);
    expect(error).toMatch(/CELERIAC_E_CONNECTION.*WRONGPASS/);
    expect(error + logger.lines.join()).not.toMatch(/wr0ngsecret|p@ss|p%40ss/);
  });

  it('speaks TLS and checks the certificate as told', async () => {
    const server = await started({ tls: true });
    await works({ url: `${server.url}?ssl_cert_reqs=required&ssl_ca_certs=${encodeURIComponent(server.caFile ?? '')}` });
    const logger = recorder();
    await works({ url: server.url, logger });
    expect(logger.lines.join()).toContain('not verified');
    const strict = shelf.create({ url: `${server.url}?ssl_cert_reqs=required`, publishTimeoutMs: 500 });
    await expectCode(strict.queues.depth('q'), 'CELERIAC_E_CONNECTION');
  });

  it('goes through a Unix socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'celeriac-socket-'));
    ends.push(async () => rmSync(dir, { recursive: true }));
    const path = join(dir, 'redis.sock');
    await started({ extraArgs: ['--unixsocket', path] });
    await works({ url: `redis+socket://${path}?virtual_host=2` });
  });

  it('finds the master by sentinels, and the new one after a failover', { timeout: 180_000 }, async () => {
    const master = await started();
    const replica = await started({ extraArgs: ['--replicaof', '127.0.0.1', String(master.port)] });
    const dir = mkdtempSync(join(tmpdir(), 'celeriac-sentinel-'));
    ends.push(async () => rmSync(dir, { recursive: true }));
    const port = await freePort();
    const config = join(dir, 'sentinel.conf');
    writeFileSync(
      config,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${dir}`,
        `sentinel monitor main 127.0.0.1 ${master.port} 1`,
        'sentinel down-after-milliseconds main 2000',
        'sentinel failover-timeout main 3000',
      ].join('\n'),
    );
    const sentinel = spawnProcess('redis-server', [config, '--sentinel'], { cwd: dir });
    ends.push(() => sentinel.stop());
    const ask = new Redis({ port, lazyConnect: true });
    ask.on('error', () => {});
    ends.push(async () => ask.disconnect());
    await until(async () => ((await ask.call('sentinel', 'replicas', 'main').catch(() => [])) as unknown[]).length === 1, {
      what: 'the replica',
    });

    const url = `sentinel://127.0.0.1:1;sentinel://127.0.0.1:${port}/0`;
    await works({ url, transportOptions: { masterName: 'main' } });
    const transport = shelf.create({ url, transportOptions: { masterName: 'main' }, publishTimeoutMs: 30_000 });
    const queue = freshQueue('failover');
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue]);
    await master.kill();
    await until(
      async () => String((await ask.call('sentinel', 'get-master-addr-by-name', 'main')) as string[]).endsWith(`,${replica.port}`),
      {
        timeoutMs: 60_000,
        what: 'the failover',
      },
    );
    await until(
      () =>
        publishAll(transport, queue, ['after']).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 60_000, what: 'a publication' },
    );
    expect(new Set(ids(await inbox.atLeast(1)))).toEqual(new Set(['after']));
    expect(() => shelf.create({ url })).toThrow(/CELERIAC_E_CONFIG.*masterName/);
  });

  it('warns of a server that evicts, and refuses it when strict', async () => {
    const server = await started({ extraArgs: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
    const logger = recorder();
    await works({ url: server.url, logger });
    expect(logger.lines.join()).toContain('allkeys-lru');
    const strict = shelf.create({ url: server.url, strict: true });
    await expectCode(consume(strict, createInbox(), [freshQueue()]), 'CELERIAC_E_EVICTION');
  });

  it('polls where client tracking is not allowed, and says so', async () => {
    const server = await started();
    const admin = new Redis(server.url);
    ends.push(async () => admin.disconnect());
    await admin.acl('SETUSER', 'poller', 'on', '>pw', '~*', '&*', '+@all', '-client|tracking');
    const logger = recorder();
    await works({ url: `redis://poller:pw@127.0.0.1:${server.port}/0`, logger });
    expect(logger.lines.join()).toContain('CLIENT TRACKING');
  });

  it('goes on after SCRIPT FLUSH', async () => {
    const server = await started();
    const transport = shelf.create({ url: server.url });
    const queue = freshQueue('flushed');
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue]);
    for (const id of ['one', 'two']) {
      execFileSync('redis-cli', ['-p', String(server.port), 'script', 'flush']);
      await publishAll(transport, queue, [id]);
    }
    expect(ids(await inbox.atLeast(2))).toEqual(['one', 'two']);
  });

  it('tells of a key of the wrong type and goes on with the other queues', async () => {
    const server = await started();
    const admin = new Redis(server.url);
    ends.push(async () => admin.disconnect());
    const [wrong, right] = [freshQueue('wrong'), freshQueue('right')];
    await admin.set(wrong.name, 'not a list');
    const transport = shelf.create({ url: server.url });
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [wrong, right]);
    await inbox.event('problem');
    await publishAll(transport, right, ['fine']);
    expect(ids(await inbox.atLeast(1))).toEqual(['fine']);
    await expectCode(publishAll(transport, wrong, ['refused']), 'CELERIAC_E_PUBLISH');
    await expectCode(transport.queues.depth(wrong.name), 'CELERIAC_E_BROKER');
    await admin.del(wrong.name);
    await publishAll(transport, wrong, ['mended']);
    expect(ids(await inbox.atLeast(2))).toEqual(['fine', 'mended']);
  });

  it('declares a new queue once for all who publish to it in one turn', async () => {
    const server = await started();
    const admin = new Redis(server.url);
    ends.push(async () => admin.disconnect());
    const transport = shelf.create({ url: server.url });
    await transport.queues.depth('none'); // connected
    const commands = async (): Promise<number> => Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
    const before = await commands();
    const queue = freshQueue('burst');
    await publishAll(transport, queue, numbered('b', 400));
    expect((await commands()) - before).toBeLessThan(20);
    expect(await admin.llen(queue.name)).toBe(400);
  });

  it('delivers at once when idle, and asks the server for nearly nothing', async () => {
    const server = await started();
    const admin = new Redis(server.url);
    ends.push(async () => admin.disconnect());
    const transport = shelf.create({ url: server.url });
    const queue = freshQueue('idle');
    const waits: number[] = [];
    let sentAtMs = 0;
    const inbox = createInbox((delivery) => {
      waits.push(performance.now() - sentAtMs);
      void delivery.ack();
    });
    await consume(transport, inbox, [queue]);
    const commands = async (): Promise<number> => Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
    for (let index = 0; index < 100; index++) {
      sentAtMs = performance.now();
      await publishAll(transport, queue, [`i-${index}`]);
      await inbox.atLeast(index + 1);
    }
    waits.sort((a, b) => a - b);
    expect(waits[50]).toBeLessThan(100); // a look without news comes after a second
    const before = await commands();
    await letTimePass(2_000, 'how much an idle consumer asks in that time is the question');
    expect((await commands()) - before).toBeLessThan(60);
    console.log(`publish to delivery: p50 ${waits[50]?.toFixed(2)} ms, p99 ${waits[98]?.toFixed(2)} ms`);
  });
});
