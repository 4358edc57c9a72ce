import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createControlClient } from '@celeriac/brokers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../ledger/ledger.ts';
import { OwnClock } from '../own-clock.ts';
import { letTimePass, staysPending, until } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { openWorkerRig, type WorkerRig } from './worker-rig.ts';

describe.each(['redis', 'rabbitmq'] as const)('the end of a worker on %s', (kind) => {
  let rig: WorkerRig;
  beforeAll(async () => {
    rig = await openWorkerRig(kind);
  });
  afterAll(() => rig.stop());
  /** How many tasks the one worker runs; undefined where it does not answer. */
  const active = async (): Promise<number | undefined> => {
    const [tasks] = (await createControlClient({ bus: rig.transport.bus }).request('active', {}, { limit: 1, timeoutMs: 5_000 })).values();
    return (tasks as readonly unknown[] | undefined)?.length;
  };

  it('SIGTERM under load loses nothing and takes nothing twice', { timeout: 240_000 }, async () => {
    using ledger = createLedger();
    const asked = `${ledger.path}.asked`;
    const ids = Array.from({ length: 3_000 }, (_, n) => `drain-${kind}-${n}`);
    const send = (id: string) => rig.send('tasks.append', [ledger.path, `end ${id}`], { taskId: id });
    await Promise.all(ids.slice(0, 200).map(send));
    const asking = await rig.send('held.term', [asked]); // in the midst of the load, however fast it goes
    await Promise.all(ids.slice(200).map(send));
    using clock = new OwnClock();
    const first = await rig.startWorker();
    await until(() => existsSync(asked), { everyMs: 5 });
    const beganMs = clock.elapsedMs;
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(clock.elapsedMs - beganMs).toBeLessThan(3_000);
    expect(await rig.result(asking)).toMatchObject({ status: 'SUCCESS' });
    const done = ledger.counts().ends.size;
    expect(done).toBeLessThan(ids.length);
    await until(async () => (await rig.transport.queues.depth('celery')) === ids.length - done, { what: 'what was handed back' });
    const second = await rig.startWorker();
    await ledger.allEnded(ids, 60_000);
    expect(ledger.duplicated()).toEqual([]);
    await second.stop();
  });

  it('SIGTERM waits for what runs', { timeout: 120_000 }, async () => {
    using ledger = createLedger();
    const [gate, worker] = [`${ledger.path}.gate`, await rig.startWorker(['-l', 'info'])];
    const id = await rig.send('held.until', [gate]);
    await until(async () => (await active()) === 1);
    worker.signal('SIGTERM');
    await worker.line(/draining/);
    expect(await staysPending(worker.ended, 300)).toBe(true);
    writeFileSync(gate, '');
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await rig.backend.fetch(id)).toMatchObject({ status: 'SUCCESS' });
  });

  it('a second signal more than a second later hurries, and gives back what runs', { timeout: 120_000 }, async () => {
    using ledger = createLedger();
    const worker = await rig.startWorker(['-l', 'info']);
    await rig.send('held.until', [`${ledger.path}.never`]);
    await until(async () => (await active()) === 1);
    worker.signal('SIGTERM');
    worker.signal('SIGTERM');
    await worker.line(/draining/);
    await letTimePass(1_100, 'a second signal counts only then');
    using clock = new OwnClock();
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 70 });
    expect(clock.elapsedMs).toBeLessThan(2_500);
    await until(async () => (await rig.transport.queues.depth('celery')) === 1, { what: 'the task that was interrupted' });
    await rig.transport.queues.purge('celery');
  });

  it('a lost connection does not start what runs a second time', { timeout: 120_000 }, async () => {
    using ledger = createLedger();
    const [gate, worker] = [`${ledger.path}.gate`, await rig.startWorker()];
    const ids = Array.from({ length: 20 }, (_, n) => `cut-${kind}-${n}`);
    const long = await rig.send('held.until', [gate]);
    await until(async () => (await active()) === 1);
    for (const id of ids) await rig.send('tasks.append', [ledger.path, `end ${id}`], { taskId: id });
    const { accepted } = rig.proxy;
    rig.proxy.cut();
    await until(() => rig.proxy.accepted > accepted);
    await ledger.allEnded(ids, 40_000);
    writeFileSync(gate, '');
    expect(await rig.result(long)).toMatchObject({ status: 'SUCCESS', result: 'let go' });
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
