import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createControlClient } from '@celeriac/brokers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../ledger/ledger.ts';
import { letTimePass, until } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { openWorkerRig, type WorkerRig } from './worker-rig.ts';

describe.each(['redis', 'rabbitmq'] as const)('the end of a worker on %s', (kind) => {
  let rig: WorkerRig;
  beforeAll(async () => {
    rig = await openWorkerRig(kind);
  });
  afterAll(() => rig.stop());
  const active = async (): Promise<number> => {
    const answers = await createControlClient({ bus: rig.transport.bus }).request('active', {}, { timeoutMs: 300 });
    return [...answers.values()].reduce<number>((sum, tasks) => sum + (tasks as unknown[]).length, 0);
  };

  it('SIGTERM under load loses nothing and takes nothing twice', async () => {
    using ledger = createLedger();
    const ids = Array.from({ length: 3_000 }, (_, n) => `drain-${kind}-${n}`);
    await Promise.all(ids.map((id) => rig.send('tasks.append', [ledger.path, `end ${id}`], { taskId: id })));
    const first = await rig.startWorker();
    await until(() => ledger.counts().ends.size > 100, { everyMs: 5 });
    const began = performance.now();
    first.signal('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(performance.now() - began).toBeLessThan(3_000);
    const done = ledger.counts().ends.size;
    expect(done).toBeLessThan(ids.length);
    await until(async () => (await rig.transport.queues.depth('celery')) === ids.length - done, { what: 'what was handed back' });
    const second = await rig.startWorker();
    await ledger.allEnded(ids, 30_000);
    expect(ledger.duplicated()).toEqual([]);
    await second.stop();
  });

  it('SIGTERM waits for what runs', async () => {
    const worker = await rig.startWorker();
    const id = await rig.send('tasks.sleep', [1]);
    await until(async () => (await active()) === 1);
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await rig.result(id, 1_000)).toMatchObject({ status: 'SUCCESS' });
  });

  it('a second signal more than a second later hurries, and gives back what runs', async () => {
    const worker = await rig.startWorker();
    await rig.send('tasks.sleep', [60]);
    await until(async () => (await active()) === 1);
    worker.signal('SIGTERM');
    worker.signal('SIGTERM');
    await letTimePass(1_100, 'a second signal counts only then');
    const began = performance.now();
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 70 });
    expect(performance.now() - began).toBeLessThan(2_500);
    await until(async () => (await rig.transport.queues.depth('celery')) === 1, { what: 'the task that was interrupted' });
    await rig.transport.queues.purge('celery');
  });

  it('a lost connection does not start what runs a second time', async () => {
    using ledger = createLedger();
    const worker = await rig.startWorker();
    const ids = Array.from({ length: 20 }, (_, n) => `cut-${kind}-${n}`);
    await rig.send('tasks.sleep', [2], { taskId: `long-${kind}` });
    for (const id of ids) await rig.send('tasks.append', [ledger.path, `end ${id}`], { taskId: id });
    await until(async () => (await active()) >= 1);
    const { accepted } = rig.proxy;
    rig.proxy.cut();
    await until(() => rig.proxy.accepted > accepted);
    expect(await rig.result(`long-${kind}`)).toMatchObject({ status: 'SUCCESS', result: 2 });
    await ledger.allEnded(ids, 20_000);
    expect(ledger.duplicated()).toEqual([]);
    await until(async () => (await rig.transport.queues.depth('celery')) === 0 && (await active()) === 0);
    await worker.stop();
    expect(await rig.transport.queues.depth('celery')).toBe(0);
  });
});

describe('the exit code', () => {
  it('is 78 and one line, for a task module that does not import', async () => {
    using ledger = createLedger();
    const module = join(ledger.path, '..', 'broken.ts');
    writeFileSync(module, 'export const x: number = 1;\nthrow new TypeError("not today");\n');
    const { code, output } = await runCeleriac(['worker', '-A', module, '-b', 'memory://none']);
    expect(code).toBe(78);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toContain('broken.ts:2');
    expect(output).toContain('not today');
  });

  it('is 78 without a broker, 2 for a wrong flag', async () => {
    const env = { CELERY_BROKER_URL: undefined };
    expect(await runCeleriac(['worker', '-A', 'examples/basics/tasks.ts'], { env })).toMatchObject({ code: 78 });
    expect(await runCeleriac(['worker', '-A', 'examples/basics/tasks.ts', '-c', 'many', '-b', 'memory://x'])).toMatchObject({ code: 2 });
  });
});
