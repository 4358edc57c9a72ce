// A fleet it did not write: Python Celery workers, known by heartbeats and remote control alone.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { ledgerApp } from '../python/ledger-app.ts';
import { pythonPeer } from '../python/venv.ts';
import { atZero, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

it('takes a Python Celery 5.7 pool from zero to two replicas and back, early acks and all', { timeout: 300_000 }, async () => {
  const peer = await pythonPeer('celery57');
  await using redis = await startRedis();
  using ledger = createLedger();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-autoscale-python-'));
  writeFileSync(join(folder, 'app.py'), ledgerApp);
  const command = [
    peer.bin('celery'),
    '-A',
    'app',
    'worker',
    '-Q',
    '{queues}',
    '-n',
    '{name}',
    '-c',
    '2',
    '--without-mingle',
    '-l',
    'WARNING',
  ];
  const pools = `
pools:
  python:
    queues: [celery]
    scaling: { max: 2, goal: { queueWait: 2s, expectedTaskTime: 1s }, idleToZero: 3s, downDelay: 3s }
    target: { local: { command: ${JSON.stringify(command)}, cwd: ${JSON.stringify(folder)} } }
`;
  try {
    await using rig = await startAutoscaler(redis.url, pools, { env: { ...process.env, ...peer.env, CELERY_BROKER_URL: redis.url } });
    await rig.nextTick(atZero);
    const both = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 2, 90_000);
    using gate = createGate();
    // The last ones are longer than idle-to-zero: with early acks the broker knows nothing of them while they run.
    const ids = Array.from({ length: 24 }, (_, index) => `t${index}`);
    for (const [index, id] of ids.entries())
      await rig.celery.sendTask('test.work', { args: [ledger.path, id, index < 20 ? 500 : 9_000, gate.path] });
    await both;
    gate.open();
    await rig.nextTick(({ decision: { evidence } }) => evidence.slotsPerReplica === 2 && evidence.active > 0);
    await rig.nextTick(atZero, 120_000);
    expect(ledger.lost(ids)).toEqual([]);
    expect([...ledger.counts().starts.values()].every((times) => times === 1)).toBe(true);
    const effects = rig.autoscaler.journal.latest().flatMap((record) => (record.type === 'scale-in' ? record.step.effects : []));
    expect(effects.filter((effect) => effect.kind === 'inspect').length).toBeGreaterThan(0);
    expect(rig.log.filter((line) => /nobody had asked/.test(line))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
