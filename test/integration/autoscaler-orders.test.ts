// What people order by `celeriac scale`, over HTTP to a running autoscaler with real workers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AutoscalerHttp, type PoolTick, serveAutoscaler } from '@celeriac/autoscaler';
import { silentLogger } from '@celeriac/brokers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { type AutoscalerRig, atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

let redis: RedisServer;
let rig: AutoscalerRig;
let http: AutoscalerHttp;
let server: string;
let folder: string;

beforeAll(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), 'celeriac-orders-'));
  writeFileSync(join(folder, 'token'), 'a-token-of-24-characters\n');
  writeFileSync(join(folder, 'wrong'), 'a-token-of-other-letters\n');
  rig = await startAutoscaler(
    redis.url,
    `pools:
  reports:
    queues: [celery]
    slotsPerReplica: 1
    scaling: { max: 4, goal: { queueWait: 1s }, idleToZero: 1s, downDelay: 1s }
    target: { local: { command: ${ourWorker} } }
`,
  );
  http = await serveAutoscaler({
    autoscaler: rig.autoscaler,
    port: 0,
    identity: { version: '0', broker: 'redis' },
    logger: silentLogger,
    tokenFile: join(folder, 'token'),
  });
  server = `http://127.0.0.1:${http.port}`;
  await rig.nextTick(atZero);
});
afterAll(async () => {
  await http?.close();
  await rig?.[Symbol.asyncDispose]();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const celeriac = (...args: readonly string[]): ReturnType<typeof runCeleriac> => runCeleriac([...args, '--server', server]);
const waiting = (tick: PoolTick): number => tick.decision.evidence.ready['celery'] ?? 0;
const up = (tick: PoolTick): number => tick.decision.evidence.replicas.ready;

it('a paused pool does not grow, says so, and grows once it is resumed', { timeout: 180_000 }, async () => {
  using ledger = createLedger();
  const paused = await celeriac('scale', 'pause', 'reports', '--by', 'jane');
  expect([paused.code, paused.stdout]).toEqual([0, 'reports: paused by jane\n']);
  for (const id of ['a', 'b', 'c']) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 500] });
  const held = await rig.nextTick((tick) => waiting(tick) === 3 && tick.decision.reason === 'paused');
  expect(held.decision).toMatchObject({ kind: 'hold', from: 0, to: 0 });
  expect(held.decision.text).toContain('the pool is paused by jane');
  const why = (await celeriac('explain', 'reports')).stdout;
  expect(why).toContain('paused: 0 (the pool is paused by jane)');
  expect(why).toContain('taking back the pause: celeriac scale resume reports (ordered by jane)');
  expect((await celeriac('pools')).stdout).toMatch(/^reports +0 +0 +0-4 +0 +3 +0 +on +paused +paused by jane$/m);
  expect(rig.ticks.every((tick) => tick.decision.evidence.replicas.starting === 0)).toBe(true);

  const resumed = await celeriac('scale', 'resume', 'reports', '--output', 'json');
  expect(JSON.parse(resumed.stdout)).toMatchObject({ pool: 'reports', orders: { pause: null, fixed: null, by: '' } });
  await ledger.allEnded(['a', 'b', 'c'], 60_000);
  await rig.nextTick(atZero);
});

it('a pool that must not shrink keeps what it has, and grows', { timeout: 180_000 }, async () => {
  using ledger = createLedger();
  await celeriac('scale', 'pause', 'reports', '--in');
  await rig.celery.sendTask('test.work', { args: [ledger.path, 'x', 100] });
  await ledger.allEnded(['x'], 60_000);
  const held = await rig.nextTick((tick) => tick.decision.reason === 'paused' && up(tick) > 0);
  expect(held.decision.text).toContain('scaling in is paused by');
  await celeriac('scale', 'resume', 'reports');
  await rig.nextTick(atZero);
});

it('a fixed number is there without any work, whatever the policy wishes, and goes when it is taken back', {
  timeout: 180_000,
}, async () => {
  const set = await celeriac('scale', 'set', 'reports', '2', '--by', 'joe');
  expect(set.stdout).toBe('reports: fixed at 2 by joe\n');
  const there = await rig.nextTick((tick) => up(tick) === 2);
  expect(there.decision).toMatchObject({ kind: 'hold', to: 2, reason: 'fixed' });
  expect((await celeriac('explain', 'reports')).stdout).toContain('fixed: 2 (fixed at 2 by joe)');
  // Less than there is, at once.
  await celeriac('scale', 'set', 'reports', '1');
  await rig.nextTick((tick) => up(tick) === 1);
  await celeriac('scale', 'resume', 'reports');
  await rig.nextTick(atZero);
});

it('a fixed number never takes what works', { timeout: 180_000 }, async () => {
  using ledger = createLedger();
  using gate = createGate();
  await rig.celery.sendTask('test.work', { args: [ledger.path, 'long', 0, gate.path] });
  await until(() => ledger.counts().starts.get('long') === 1, { timeoutMs: 60_000 });
  await celeriac('scale', 'set', 'reports', '0');
  const { decision } = await rig.nextTick((tick) => tick.decision.reason === 'busy');
  expect(decision.to).toBe(1);
  gate.open();
  await ledger.allEnded(['long'], 60_000);
  expect(ledger.counts().starts.get('long')).toBe(1);
  await rig.nextTick(atZero);
  await celeriac('scale', 'resume', 'reports');
});

it('refuses what is wrong in words that help', { timeout: 180_000 }, async () => {
  const nobody = await celeriac('scale', 'pause', 'report');
  expect([nobody.code, nobody.output]).toEqual([78, expect.stringContaining('no pool report; did you mean reports?')]);
  const number = await celeriac('scale', 'set', 'reports', 'two');
  expect([number.code, number.output]).toEqual([2, expect.stringContaining('a whole number from 0 to 100000 is needed')]);
  const both = await celeriac('scale', 'pause', 'reports', '--in', '--out');
  expect([both.code, both.output]).toEqual([2, expect.stringContaining('cannot be used with')]);
  const foreign = await fetch(`${server}/api/pools/reports/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
    body: '{"pause":"all","by":"x"}',
  });
  expect([foreign.status, ((await foreign.json()) as { error: string }).error]).toEqual([401, expect.stringContaining('read only')]);
  const wrong = await celeriac('scale', 'pause', 'reports', '--token-file', join(folder, 'wrong'));
  expect([wrong.code, wrong.output]).toEqual([78, expect.stringContaining('wrong token')]);
  const none = await celeriac('scale', 'pause', 'reports', '--token-file', join(folder, 'none'));
  expect([none.code, none.output]).toEqual([78, expect.stringContaining('the token cannot be read')]);
  expect(wrong.output + none.output).not.toContain('a-token-of');
  const right = await celeriac('scale', 'resume', 'reports', '--token-file', join(folder, 'token'));
  expect([right.code, right.stdout]).toEqual([0, 'reports: nothing is ordered here, the policy decides\n']);
});

it('the pool’s page says all there is to know of it', async () => {
  const page = (await (await fetch(`${server}/api/pools/reports`)).json()) as Record<string, unknown>;
  expect(page).toMatchObject({
    pool: 'reports',
    stuck: 0,
    hold: null,
    granted: null,
    decision: { budgetAsk: { wish: 0 } },
    explanation: { pool: 'reports' },
  });
  const state = (await (await fetch(`${server}/api/state`)).json()) as Record<string, unknown>;
  expect(state).toMatchObject({ version: '0', ready: true, lease: { held: true, holder: null }, pools: [{ pool: 'reports' }] });
});
