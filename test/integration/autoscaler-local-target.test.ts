// Local processes that misbehave, and an autoscaler that is killed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { startCeleriac } from '../worker-process.ts';
import { atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';

const pool = (command: string, target = '', scaling = ''): string =>
  `pools:\n  p:\n    queues: [celery]\n    slotsPerReplica: 1\n    scaling: { max: 3, goal: { queueWait: 1s }, idleToZero: 1s, downDelay: 1s${scaling} }\n    target: { local: { command: ${command}${target} } }\n`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('backs off from a program that ends at once, says why, and does not count it', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  await using rig = await startAutoscaler(redis.url, pool('[node, -e, "console.error(`no such app`); process.exit(3)"]'));
  await rig.nextTick(atZero);
  const held = rig.nextTick((tick) => tick.decision.reason === 'target');
  for (let index = 0; index < 5; index += 1) await rig.celery.sendTask('test.work');
  const { decision } = await held;
  expect(decision.text).toMatch(/replicas ended .*exited with code 3: no such app after .* s; next try in \d+ s/);
  // One at a time from then on, each a second try behind a pause twice as long.
  await rig.nextTick((tick) => /3 times in a row|4 times in a row|5 times in a row/.test(tick.decision.text), 30_000);
  const seconds = rig.ticks
    .filter((tick) => tick.decision.evidence.replicas.starting > 0)
    .map((tick) => tick.decision.evidence.replicas.starting);
  expect(seconds.at(-1) ?? 0).toBeLessThanOrEqual(1);
  expect(rig.autoscaler.explain('p')?.because.join('\n')).toContain('exited with code 3');
});

it('gives up on a program that never says that it is there', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  await using rig = await startAutoscaler(redis.url, pool('[sleep, "600"]', ', startTimeout: 1500ms'));
  await rig.nextTick(atZero);
  const starting = rig.nextTick((tick) => tick.decision.evidence.replicas.starting > 0);
  await rig.celery.sendTask('test.work');
  await starting;
  const given = await rig.nextTick((tick) => /no heartbeat within 1.5 s of its start/.test(tick.decision.text));
  expect(given.decision.evidence.replicas.ready).toBe(0);
});

it('replaces a worker that was killed, and its task is run again', { timeout: 90_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  await using rig = await startAutoscaler(redis.url, pool(ourWorker));
  await rig.nextTick(atZero);
  await rig.celery.sendTask('test.work', { args: [ledger.path, 'x', 2_000] });
  await until(() => ledger.counts().starts.get('x') === 1, { timeoutMs: 20_000 });
  const pid = rig.autoscaler.replicas('p')[0]?.pid;
  if (pid == null) throw new Error('no process');
  process.kill(pid, 'SIGKILL');
  await ledger.allEnded(['x'], 50_000);
  expect(ledger.counts().starts.get('x')).toBe(2);
  expect(rig.log.some((line) => /killed by SIGKILL.*nobody had asked it to/.test(line))).toBe(true);
  await rig.nextTick(atZero, 30_000);
});

it('has its workers drained when it is killed itself', { timeout: 90_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-autoscale-killed-'));
  const file = join(folder, 'pools.yaml');
  writeFileSync(file, `broker: { url: "${redis.url}" }\n${pool(ourWorker)}`);
  await using autoscaler = startCeleriac(['autoscale', '-f', file, '--http', 'off']);
  try {
    await autoscaler.line(/autoscaler ready/);
    await using rig = await startAutoscaler(redis.url, pool('[sleep, "1"]', '', ', mode: off'));
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'running', 3_000] });
    await until(() => ledger.counts().starts.get('running') === 1, { timeoutMs: 30_000 });
    const workers = autoscaler.descendants().map((row) => row.pid);
    expect(workers.length).toBeGreaterThan(1);
    autoscaler.signal('SIGKILL');
    await autoscaler.ended;
    await until(() => !workers.some(isRunning), { timeoutMs: 30_000, what: 'the end of its workers' });
    // Drained, not killed: what ran has ended.
    expect(ledger.lost(['running'])).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
