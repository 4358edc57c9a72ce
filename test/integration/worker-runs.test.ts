import { encodeTask } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { openWorkerRig, type WorkerRig } from './worker-rig.ts';

describe.each(['redis', 'rabbitmq'] as const)('a worker on %s', (kind) => {
  let rig: WorkerRig;
  beforeAll(async () => {
    rig = await openWorkerRig(kind);
    await rig.startWorker();
  });
  afterAll(() => rig.stop());
  const codes = async (): Promise<string[]> => (await rig.transport.quarantine.list('celery', 100)).map((entry) => entry.code);

  it('returns results of positional and keyword calls', async () => {
    const ids = [await rig.send('tasks.add', [1, 2]), await rig.send('tasks.add', [], { kwargs: { x: 3, y: 4 } })];
    expect(await rig.result(ids[0] as string)).toMatchObject({ status: 'SUCCESS', result: 3 });
    expect(await rig.result(ids[1] as string)).toMatchObject({ status: 'SUCCESS', result: 7 });
  });

  it('stores what was thrown', async () => {
    expect(await rig.result(await rig.send('tasks.fail', ['no']))).toMatchObject({
      status: 'FAILURE',
      result: { exc_type: 'Exception', exc_message: ['no'], exc_module: 'builtins' },
    });
  });

  it('retries as often as asked', async () => {
    expect(await rig.result(await rig.send('tasks.flaky', [3]))).toMatchObject({ status: 'SUCCESS', result: 3 });
  });

  it.each([700, 3_500])('does not start before an eta %i ms ahead, and soon after', async (aheadMs) => {
    using ledger = createLedger();
    const dueMs = Date.now() + aheadMs;
    const id = await rig.send('tasks.append', [ledger.path, 'end eta'], { eta: new Date(dueMs) });
    expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS' });
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    expect(Date.now()).toBeLessThan(dueMs + 10_000); // a second or less where the machine is not busy
    expect(ledger.duplicated()).toEqual([]);
  });

  it('revokes what has expired', async () => {
    const id = await rig.send('tasks.add', [1, 2], { expires: new Date(Date.now() - 1_000) });
    expect(await rig.result(id)).toMatchObject({ status: 'REVOKED', result: { exc_type: 'TaskRevokedError', exc_message: ['expired'] } });
  });

  it('fails what nobody registered', async () => {
    expect(await rig.result(await rig.send('tasks.nobody', []))).toMatchObject({
      status: 'FAILURE',
      result: { exc_type: 'NotRegistered' },
    });
  });

  it('kills a synchronous loop at its hard limit while its sibling goes on', async () => {
    const spinning = await rig.send('tasks.spin', [60], { timeLimitS: 0.7 });
    const sleeping = await rig.send('tasks.sleep', [1]);
    expect(await rig.result(spinning)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'TimeLimitExceeded', exc_message: [0.7] } });
    expect(await rig.result(sleeping)).toMatchObject({ status: 'SUCCESS', result: 1 });
  });

  it('gives a task that kills its process three starts, then puts it away', async () => {
    const id = await rig.send('tasks.die', []);
    expect(await rig.result(id, 30_000)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'WorkerLostError' } });
    await until(async () => (await codes()).includes('CELERIAC_E_WORKER_LOST'), { what: 'the quarantined message' });
    const [entry] = (await rig.transport.quarantine.list('celery', 100)).filter(({ taskId }) => taskId === id);
    expect(entry).toMatchObject({ queue: 'celery', taskName: 'tasks.die' });
  });

  it('puts away what is no task and tells whoever waits', async () => {
    const message = { ...encodeTask({ name: 'tasks.add', taskId: `bad-${kind}` }), contentType: 'application/x-python-serialize' };
    await rig.transport.publish({ message, exchange: '', routingKey: 'celery' });
    expect(await rig.result(`bad-${kind}`)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'ContentDisallowed' } });
    await until(async () => (await codes()).includes('CELERIAC_E_CONTENT_TYPE'), { what: 'the quarantined message' });
  });

  it('goes on with a chain', async () => {
    const step = (task_id: string, add: number): object => ({
      ...{ task: 'tasks.add', args: [add], kwargs: {}, options: { task_id }, subtask_type: null, immutable: false },
    });
    await rig.send('tasks.add', [1, 2], { embed: { chain: [step(`last-${kind}`, 100), step(`next-${kind}`, 10)] } });
    expect(await rig.result(`last-${kind}`)).toMatchObject({ result: 113 });
  });

  it('runs five thousand small tasks once each', { timeout: 180_000 }, async () => {
    const prefix = `many-${kind}`;
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => rig.send('tasks.add', [n, 1], { taskId: `${prefix}-${n}` })));
    await until(async () => (await rig.transport.queues.depth('celery')) === 0, { timeoutMs: 120_000 });
    for (let n = 0; n < 5_000; n += 97) expect(await rig.result(`${prefix}-${n}`)).toMatchObject({ status: 'SUCCESS', result: n + 1 });
    const all = await Promise.all(Array.from({ length: 5_000 }, (_, n) => rig.result(`${prefix}-${n}`)));
    expect(all.filter(({ status }) => status === 'SUCCESS')).toHaveLength(5_000);
  });
});
