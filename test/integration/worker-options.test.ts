import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createControlClient } from '@celeriac/brokers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startWorkerProcess } from '../worker-process.ts';
import { BASICS, openWorkerRig, type WorkerRig } from './worker-rig.ts';

const TASKS = `${BASICS},test/integration/fixtures/option-tasks.ts`;

describe.each(['redis', 'rabbitmq'] as const)('the options of a task on %s', (kind) => {
  let rig: WorkerRig;
  let worker: SpawnedProcess;
  let folder: string;
  const start = async (): Promise<void> => {
    const { broker, backend } = rig.broker;
    // a lease of 1.5 s instead of 15, so that a dead worker's claims are back soon
    const args = kind === 'redis' ? ['--broker-option', 'claimLease=1.5'] : [];
    worker = await startWorkerProcess({ tasks: TASKS, broker, backend, args });
  };
  beforeAll(async () => {
    rig = await openWorkerRig(kind);
    folder = mkdtempSync(join(tmpdir(), 'celeriac-options-'));
    await start();
  });
  afterAll(async () => {
    await worker?.stop(5_000);
    await rig?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const starts = (path: string): number => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0);

  const letGo = (path: string): void => writeFileSync(`${path}.gate`, '');

  it('trackStarted: STARTED while it runs', async () => {
    const id = await rig.send('options.tracked', [join(folder, 'tracked')]);
    await until(async () => (await rig.backend.fetch(id))?.status === 'STARTED');
    letGo(join(folder, 'tracked'));
    expect(await rig.result(id)).toMatchObject({ status: 'SUCCESS', result: 'let go' });
  });

  it('ignoreResult: nothing is stored, by the task or by the message; a message may also ask for it', async () => {
    const byTask = await rig.send('options.unstored', [1]);
    const byMessage = await rig.send('tasks.add', [1, 2], { ignoreResult: true });
    const wanted = await rig.send('options.unstored', [5], { ignoreResult: false });
    expect(await rig.result(wanted)).toMatchObject({ status: 'SUCCESS', result: 5 });
    expect(await rig.result(await rig.send('tasks.add', [1, 2]))).toMatchObject({ status: 'SUCCESS' });
    expect([await rig.backend.fetch(byTask), await rig.backend.fetch(byMessage)]).toEqual([undefined, undefined]);
  });

  it('softTimeLimit: of the task, or of the message, which comes first', async () => {
    expect(await rig.result(await rig.send('options.patient', [60]))).toMatchObject({
      status: 'FAILURE',
      result: { exc_type: 'SoftTimeLimitExceeded' },
    });
    expect(await rig.result(await rig.send('options.patient', [0.5], { softTimeLimitS: 30 }))).toMatchObject({ status: 'SUCCESS' });
  });

  it('acksOnFailure: false leaves the message to the dead-letter exchange, where there is one', { timeout: 120_000 }, async () => {
    const dead = kind === 'rabbitmq';
    if (dead) {
      const rabbitmq = await startRabbitmq();
      const vhost = new URL(rig.broker.broker).pathname.slice(1);
      await rig.transport.queues.declare({ name: 'dead' });
      const definition = { 'dead-letter-exchange': '', 'dead-letter-routing-key': 'dead' };
      await rabbitmq.management('PUT', `policies/${vhost}/dead`, { pattern: '^celery$', definition, 'apply-to': 'queues' });
      const policies = () => rabbitmq.rabbitmqctl('-q', 'list_queues', '-p', vhost, 'name', 'policy');
      await until(async () => /^celery\s+dead$/m.test(await policies()), { what: 'the policy on the queue' });
    }
    const id = await rig.send('options.kept_on_failure', []);
    expect(await rig.result(id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'Exception', exc_message: ['kept'] } });
    if (dead) await until(async () => (await rig.transport.queues.depth('dead')) === 1, { what: 'the dead letter' });
    expect(await rig.transport.queues.depth('celery')).toBe(0);
    expect(await rig.result(await rig.send('tasks.fail', ['acknowledged']))).toMatchObject({ status: 'FAILURE' });
    await rig.result(await rig.send('tasks.add', [1, 2]));
    if (dead) expect(await rig.transport.queues.depth('dead')).toBe(1);
  });

  it('acksLate: false runs at most once, where the default runs again when its worker was killed', { timeout: 120_000 }, async () => {
    const [early, late] = [join(folder, 'early'), join(folder, 'late')];
    await rig.send('options.early', [early]);
    const lateId = await rig.send('options.late', [late]);
    await until(() => starts(early) === 1 && starts(late) === 1);
    await until(async () => {
      const [active = []] = (await createControlClient({ bus: rig.transport.bus }).request('active', {}, { limit: 1 })).values();
      return (active as readonly { readonly acknowledged: boolean }[]).filter(({ acknowledged }) => acknowledged).length === 1;
    });
    worker.signal('SIGKILL');
    await worker.ended;
    await worker.kill();
    for (const path of [early, late]) letGo(path);
    await start();
    expect(await rig.result(lateId)).toMatchObject({ status: 'SUCCESS' });
    expect([starts(early), starts(late)]).toEqual([1, 2]);
    await until(async () => (await rig.transport.queues.depth('celery')) === 0, { what: 'an empty queue' });
  });
});
