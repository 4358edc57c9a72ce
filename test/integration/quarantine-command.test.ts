import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTask } from '@celeriac/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { type HostileRig, openHostileRig } from './hostile-rig.ts';

interface Entry {
  readonly key: string;
  readonly code: string;
  readonly taskId: string | null;
  readonly taskName: string | null;
}

describe.each(['redis', 'rabbitmq'] as const)('celeriac quarantine on %s', (kind) => {
  let rig: HostileRig;
  let folder: string;
  beforeAll(async () => {
    rig = await openHostileRig(kind);
    folder = mkdtempSync(join(tmpdir(), 'celeriac-quarantine-'));
  });
  afterAll(async () => {
    await rig?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const command = (verb: string, ...args: readonly string[]) =>
    runCeleriac(['quarantine', verb, '-Q', 'celery', '--output', 'json', ...args], { env: { CELERY_BROKER_URL: rig.broker.broker } });
  const list = async (...args: readonly string[]): Promise<readonly Entry[]> => {
    const { code, stdout, output } = await command('list', ...args);
    expect(code, output).toBe(0);
    return JSON.parse(stdout) as readonly Entry[];
  };
  const starts = (file: string): number => readFileSync(file, 'utf8').trim().split('\n').length;
  const poison = async (name: string): Promise<{ readonly id: string; readonly file: string }> => {
    const file = join(folder, name);
    const id = await rig.send('hostile.die', [file]);
    expect(await rig.result(id, 30_000)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
    return { id, file };
  };
  const shelved = (count: number) => until(async () => (await rig.transport.quarantine.list('celery', 100)).length === count);

  it('shows, puts back and drops what has killed its process three times', { timeout: 240_000 }, async () => {
    const first = await poison('first');
    await shelved(1);
    expect(starts(first.file)).toBe(3);
    const second = await poison('second');
    await shelved(2);

    const entries = await list();
    expect(entries).toMatchObject([
      { queue: 'celery', code: 'CELERIAC_E_WORKER_LOST', taskId: first.id, taskName: 'hostile.die' },
      { queue: 'celery', code: 'CELERIAC_E_WORKER_LOST', taskId: second.id, taskName: 'hostile.die' },
    ]);
    expect(await list('--limit', '1')).toHaveLength(1);
    const [{ key }, { key: other }] = entries as readonly [Entry, Entry];

    const shown = await command('show', key);
    expect(shown.code).toBe(0);
    const { original, ...entry } = JSON.parse(shown.stdout) as Entry & { readonly original: string };
    expect(entry).toEqual(entries[0]);
    const message = JSON.parse(original) as { readonly headers: object; readonly body: string };
    expect(message.headers).toMatchObject({ id: first.id, task: 'hostile.die' });
    expect(Buffer.from(message.body, 'base64').toString()).toContain(first.file);

    const retried = await command('retry', key);
    expect([retried.code, JSON.parse(retried.stdout)]).toEqual([0, { retry: [key] }]);
    await until(() => starts(first.file) === 6, { what: 'three more starts, counted anew' });
    await shelved(2);

    const dropped = await command('drop', other);
    expect([dropped.code, JSON.parse(dropped.stdout)]).toEqual([0, { drop: [other] }]);
    const left = await list();
    expect(left.map(({ taskId }) => taskId)).toEqual([first.id]);
    expect(starts(first.file)).toBe(6);

    for (const [verb, missing] of [
      ['show', other],
      ['retry', other],
      ['drop', 'no-such-key'],
    ] as const) {
      const { code, output } = await command(verb, missing);
      expect(code).toBe(1);
      expect(output.trim().split('\n')).toEqual([
        `celeriac: CELERIAC_E_BROKER: celery.quarantine has no entry ${missing}; celeriac quarantine list -Q celery shows the keys`,
      ]);
    }
    expect(await command('drop')).toMatchObject({ code: 1 });
    expect(await list()).toHaveLength(1);

    expect((await command('drop', '--all')).code).toBe(0);
    expect(await list()).toEqual([]);
    await rig.good();
    expect(await rig.transport.queues.depth('celery')).toBe(0);
  });

  it('keeps the 10,000 newest', { timeout: 180_000 }, async () => {
    const refused = async (): Promise<void> => {
      const message = { ...encodeTask({ name: 'tasks.add', taskId: `full-${kind}` }), contentType: 'application/x-nope' };
      await rig.transport.publish({ message, exchange: '', routingKey: 'celery' });
      expect(await rig.result(`full-${kind}`)).toMatchObject({ status: 'FAILURE' });
    };
    if (kind === 'redis') {
      const redis = new Redis(rig.broker.broker);
      const fill = redis.pipeline();
      for (let n = 0; n < 10_000; n += 1)
        fill.hset('celery.quarantine', `old-${n}`, '{"code": "x"}\n{}').zadd('celery.quarantine.index', n + 1, `old-${n}`);
      await fill.exec();
      await refused();
      await until(async () => (await redis.hget('celery.quarantine.counts', 'dropped')) === '1');
      expect([await redis.hlen('celery.quarantine'), await redis.hexists('celery.quarantine', 'old-0')]).toEqual([10_000, 0]);
      redis.disconnect();
    } else {
      const message = encodeTask({ name: 'tasks.add', taskId: 'old' });
      const old = () => rig.transport.publish({ message, exchange: '', routingKey: 'celery.quarantine' });
      await Promise.all(Array.from({ length: 10_000 }, old));
      await refused();
      await rig.good();
      expect(await rig.transport.queues.depth('celery.quarantine')).toBe(10_000);
    }
    const newest = await list('--limit', '10000');
    expect(newest.at(-1)).toMatchObject({ taskId: `full-${kind}`, code: 'CELERIAC_E_CONTENT_TYPE' });
  });
});
