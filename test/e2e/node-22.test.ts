import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { startBuiltCeleriac } from '../node-22.ts';
import { stillRunning } from '../process-table.ts';
import { until } from '../until.ts';

describe('the built packages on Node 22.18', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('work from a call to its result, and drain', async () => {
    const urls = ['-b', redis.url, '--result-backend', redis.url];
    await using worker = startBuiltCeleriac(['worker', '-A', 'examples/basics/tasks.ts', '-c', '2', ...urls]);
    await worker.line(/\bready\b/);

    const call = startBuiltCeleriac(['call', 'tasks.add', '--args', '[2, 3]', '--wait', '30', '--output', 'json', ...urls]);
    expect(await call.ended, call.output()).toEqual({ code: 0, signal: null });
    const { id, ...called } = JSON.parse(call.output()) as { id: string };
    expect(called).toEqual({ task: 'tasks.add', status: 'SUCCESS', result: 5 });
    const result = startBuiltCeleriac(['result', id, '--output', 'json', '--result-backend', redis.url]);
    expect(await result.ended, result.output()).toEqual({ code: 0, signal: null });
    expect(JSON.parse(result.output())).toMatchObject({ status: 'SUCCESS', result: 5 });

    const children = worker.descendants();
    expect(children.length).toBeGreaterThanOrEqual(2);
    expect(await worker.stop(), worker.output()).toEqual({ code: 0, signal: null });
    await until(() => stillRunning(children).length === 0, { what: 'the end of the children' });
  });
});
