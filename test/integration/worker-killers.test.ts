// A task that takes its whole worker with it, under a supervisor that starts the worker again and again.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startWorkerProcess } from '../worker-process.ts';
import { HOSTILE_TASKS } from './hostile-rig.ts';
import { BASICS, openWorkerRig, type WorkerRig } from './worker-rig.ts';

describe.each(['redis', 'rabbitmq'] as const)('a task that kills its worker on %s', (kind) => {
  let rig: WorkerRig;
  let folder: string;
  beforeAll(async () => {
    rig = await openWorkerRig(kind);
    folder = mkdtempSync(join(tmpdir(), 'celeriac-killer-'));
  });
  afterAll(async () => {
    await rig?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a worker, and another whenever it is killed. */
  function supervise(concurrency: number) {
    let worker: SpawnedProcess | undefined;
    let wanted = true;
    let deaths = 0;
    const { broker, backend } = rig.broker;
    // a lease of 1.5 s instead of 15, so that a dead worker's claims are back soon
    const args = kind === 'redis' ? ['--broker-option', 'claimLease=1.5'] : [];
    const ended = (async () => {
      while (wanted) {
        worker = await startWorkerProcess({ tasks: `${BASICS},${HOSTILE_TASKS}`, broker, backend, args, concurrency });
        if (!wanted) await worker.stop(5_000); // asked to stop while it started
        const { signal } = await worker.ended;
        await worker.kill(); // what it left in its group
        if (signal === 'SIGKILL' && wanted) deaths += 1;
      }
    })();
    return {
      deaths: () => deaths,
      async stop() {
        wanted = false;
        await worker?.stop(5_000);
        await ended;
      },
    };
  }
  /** What is quarantined, once `taskId` is. */
  const quarantinedWith = (taskId: string) =>
    until(async () => {
      const entries = await rig.transport.quarantine.list('celery', 10);
      return entries.some((entry) => entry.taskId === taskId) ? entries : null;
    });

  it('is started a bounded number of times; what is behind it is done', { timeout: 180_000 }, async () => {
    const file = join(folder, 'starts');
    const good: string[] = [];
    for (let n = 0; n < 5; n += 1) good.push(await rig.send('tasks.add', [n, 1]));
    const killer = await rig.send('hostile.kill_worker', [file]);
    for (let n = 5; n < 25; n += 1) good.push(await rig.send('tasks.add', [n, 1]));
    const supervisor = supervise(2);
    try {
      expect(await rig.result(killer, 80_000)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
      for (const [n, id] of good.entries()) expect(await rig.result(id, 30_000)).toMatchObject({ status: 'SUCCESS', result: n + 1 });
      const [entry, ...more] = await quarantinedWith(killer);
      expect(entry).toMatchObject({ code: 'CELERIAC_E_WORKER_LOST', taskId: killer });
      expect(more).toEqual([]);
      const starts = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
      expect(starts).toBe(supervisor.deaths());
      expect(starts).toBeGreaterThanOrEqual(1);
      expect(starts).toBeLessThanOrEqual(3);
      await until(async () => (await rig.transport.queues.depth('celery')) === 0, { what: 'an empty queue' });
    } finally {
      await supervisor.stop();
    }
  });

  it('takes nobody with it who ran beside it each time it was started', { timeout: 180_000 }, async () => {
    const file = join(folder, 'starts beside others');
    const [first, second] = [await rig.send('hostile.rest', [1_500]), await rig.send('hostile.rest', [1_501])];
    const killer = await rig.send('hostile.kill_worker', [file, 500]);
    const third = await rig.send('hostile.rest', [1_502]);
    const supervisor = supervise(4);
    try {
      expect(await rig.result(killer, 80_000)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
      for (const [id, ms] of [[first, 1_500] as const, [second, 1_501] as const, [third, 1_502] as const]) {
        expect(await rig.result(id, 30_000)).toMatchObject({ status: 'SUCCESS', result: ms });
      }
      const putAway = (await quarantinedWith(killer)).map((entry) => entry.taskId);
      for (const id of [first, second, third]) expect(putAway).not.toContain(id);
      expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(3);
    } finally {
      await supervisor.stop();
    }
  });
});
