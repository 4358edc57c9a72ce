// One real worker that is sent what no honest client sends, and what has to be true of it afterwards.

import { readFileSync } from 'node:fs';
import type { QuarantineEntry } from '@celeriac/brokers';
import type { ResultMeta } from '@celeriac/protocol';
import { expect } from 'vitest';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startWorkerProcess } from '../worker-process.ts';
import type { HostileCase, HostileEnd } from './hostile-cases.ts';
import { BASICS, openWorkerRig, type WorkerRig } from './worker-rig.ts';

export const HOSTILE_TASKS = 'test/integration/fixtures/hostile-tasks.ts';

/** Headers of a good call of tasks.add. */
export const goodHeaders = (id: string): Readonly<Record<string, unknown>> => ({
  ...{ lang: 'py', task: 'tasks.add', id, root_id: id, parent_id: null, group: null },
  ...{ retries: 0, eta: null, expires: null, timelimit: [null, null], origin: 'gen1@h' },
});

export const goodBody: Uint8Array = new TextEncoder().encode('[[1, 2], {}, {}]');

export interface HostileRig extends WorkerRig {
  readonly worker: SpawnedProcess;
  /** A new id for a case. */
  id(): string;
  /** Sends a good task behind what was sent before and waits for its end. */
  good(): Promise<void>;
  /** Waits for the end of a case: its result, its place. `id` null where nobody can be told. */
  expectEnd(id: string | null, end: HostileEnd): Promise<void>;
  /** A case from start to end, with a good task behind it. */
  judge(hostile: HostileCase, put: (hostile: HostileCase, id: string) => Promise<void>): Promise<void>;
  /** Everything that cases put away, in order, is in quarantine, and nothing else. */
  expectQuarantine(): Promise<readonly QuarantineEntry[]>;
  /** Most memory that the worker's parent process has had resident. */
  peakRssMib(): number;
}

export async function openHostileRig(kind: 'redis' | 'rabbitmq', args: readonly string[] = []): Promise<HostileRig> {
  const rig = await openWorkerRig(kind);
  const worker = await startWorkerProcess({
    tasks: `${BASICS},${HOSTILE_TASKS}`,
    broker: rig.broker.broker,
    backend: rig.broker.backend,
    queues: ['celery', 'other'],
    args,
  });
  const codes: string[] = [];
  const shelved = async (): Promise<number | null> =>
    kind === 'redis' ? (await rig.transport.quarantine.list('celery', 1_000)).length : rig.transport.queues.depth('celery.quarantine');
  let ids = 0;
  const id = (): string => `hostile-${kind}-${++ids}`;
  const hostile: HostileRig = {
    ...rig,
    worker,
    id,
    async good() {
      const goodId = await rig.send('tasks.add', [20, 22]);
      expect(await rig.result(goodId)).toMatchObject({ status: 'SUCCESS', result: 42 });
    },
    async expectEnd(taskId, end) {
      if ('quarantined' in end) {
        codes.push(end.quarantined);
        const wanted = codes.length;
        await until(async () => ((await shelved()) ?? 0) >= wanted, { what: `entry ${wanted} of the quarantine` });
      }
      const failure = 'failure' in end ? end.failure : undefined;
      if (failure === null || taskId === null) return;
      const meta: ResultMeta = await rig.result(taskId);
      if (failure === undefined) expect(meta).toMatchObject({ status: 'SUCCESS', result: (end as { result: unknown }).result });
      else expect(meta).toMatchObject({ status: 'FAILURE', result: { exc_type: failure } });
    },
    async judge(one, put) {
      const taskId = id();
      await put(one, taskId);
      await hostile.good();
      await hostile.expectEnd(taskId, one.end);
    },
    async expectQuarantine() {
      const entries = await rig.transport.quarantine.list('celery', 1_000);
      expect(entries.map(({ code }) => code)).toEqual(codes);
      return entries;
    },
    peakRssMib: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8'))?.[1]) / 1024,
    async stop() {
      await worker.stop(5_000);
      await rig.stop();
    },
  };
  return hostile;
}
