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
import { createGate } from './gate.ts';

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

it('backs off from a program that ends at once, says why, and does not count it', { timeout: 120_000 }, async () => {
  await using redis = await startRedis();
  await using rig = await startAutoscaler(redis.url, pool('[node, -e, "console.error(`no such app`); process.exit(3)"]'));
  await rig.nextTick(atZero);
  const held = rig.nextTick((tick) => tick.decision.reason === 'target' && tick.decision.text.includes('next try in'));
  for (let index = 0; index < 5; index += 1) await rig.celery.sendTask('test.work');
  const { decision } = await held;
  expect(decision.text).toMatch(/replicas ended .*exited with code 3: no such app after .* s; next try in \d+ s/);
  // Three are started together at most: the fourth is a try, behind a pause.
  await rig.nextTick((tick) => /[4-9] times in a row/.test(tick.decision.text));
  let running = 0;
  let crashed = false;
  for (const line of rig.log) {
    if (line.includes('replica started')) running += 1;
    if (line.includes('nobody had asked it to')) {
      running -= 1;
      crashed = true;
    }
    // One at a time from the first crash on.
    if (crashed && line.includes('replica started')) expect(running).toBe(1);
  }
  expect(rig.autoscaler.explain('p')?.because.join('\n')).toContain('exited with code 3');
});

it('gives up on a program that never says that it is there', { timeout: 120_000 }, async () => {
  await using redis = await startRedis();
  await using rig = await startAutoscaler(redis.url, pool('[sleep, "600"]', ', startTimeout: 1500ms'));
  await rig.nextTick(atZero);
  const starting = rig.nextTick((tick) => tick.decision.evidence.replicas.starting > 0);
  await rig.celery.sendTask('test.work');
  await starting;
  const given = await rig.nextTick((tick) => /no heartbeat within 1.5 s of its start/.test(tick.decision.text));
  expect(given.decision.evidence.replicas.ready).toBe(0);
});

it('replaces a worker that was killed, and its task is run again', { timeout: 240_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  await using rig = await startAutoscaler(redis.url, pool(ourWorker));
  await rig.nextTick(atZero);
  using gate = createGate();
  const startsOfX = (): number => ledger.counts().starts.get('x') ?? 0;
  await rig.celery.sendTask('test.work', { args: [ledger.path, 'x', 0, gate.path] });
  await until(() => startsOfX() === 1, { timeoutMs: 60_000 });
  const pid = rig.autoscaler.replicas('p')[0]?.pid;
  if (pid == null) throw new Error('no process');
  process.kill(pid, 'SIGKILL');
  await until(() => startsOfX() === 2, { timeoutMs: 90_000, what: 'its task to run again' });
  gate.open();
  await ledger.allEnded(['x'], 60_000);
  expect(startsOfX()).toBe(2);
  expect(rig.log.some((line) => /killed by SIGKILL.*nobody had asked it to/.test(line))).toBe(true);
  await rig.nextTick(atZero);
});

it('has its workers drained when it is killed itself', { timeout: 240_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-autoscale-killed-'));
  const file = join(folder, 'pools.yaml');
  writeFileSync(file, `broker: { url: "${redis.url}" }\n${pool(ourWorker)}`);
  await using autoscaler = startCeleriac(['autoscale', '-f', file, '--http', 'off']);
  try {
    await autoscaler.line(/autoscaler ready/);
    await using rig = await startAutoscaler(redis.url, pool('[sleep, "1"]', '', ', mode: off'));
    using gate = createGate();
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'running', 3_000, gate.path] });
    await until(() => ledger.counts().starts.get('running') === 1, { timeoutMs: 60_000 });
    const workers = autoscaler.descendants().map((row) => row.pid);
    expect(workers.length).toBeGreaterThan(1);
    autoscaler.signal('SIGKILL');
    await autoscaler.ended;
    // It has three seconds to go.
    gate.open();
    await until(() => !workers.some(isRunning), { timeoutMs: 60_000, what: 'the end of its workers' });
    // Drained, not killed: what ran has ended.
    expect(ledger.lost(['running'])).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
