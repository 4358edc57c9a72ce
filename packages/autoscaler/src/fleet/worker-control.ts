import type { ControlClient } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { Inspection } from '../samplers/survey.ts';

/** What the autoscaler asks of single workers by remote control, Python's and ours alike. */
export interface WorkerControl {
  /**
   * Makes the worker take nothing more from any queue it serves; resolves with those queues once it has said so for each. `mayTell` is asked
   * once more when it has answered which they are; no rejects with CELERIAC_E_LEASE.
   */
  cordon(nodename: string, queues: readonly string[], mayTell?: () => boolean): Promise<readonly string[]>;
  /** Makes it take from them again. */
  uncordon(nodename: string, queues: readonly string[]): Promise<void>;
  /** What the workers hold; who did not answer all of it is absent. */
  inspect(nodenames: readonly string[]): Promise<ReadonlyMap<string, Inspection>>;
  /** Their concurrency; who did not say is absent. */
  slots(nodenames: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

const ANSWER_MS = 3_000;

/** Sources: celery/worker/control.py (`cancel_consumer`, `add_consumer`, `active_queues`, `active`, `reserved`, `scheduled`, `stats`). */
export function createWorkerControl(control: Pick<ControlClient, 'request'>, now: () => number): WorkerControl {
  const askOne = async (nodename: string, method: string, args: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const answers = await control.request(method, args, { destination: [nodename], timeoutMs: ANSWER_MS, limit: 1 });
    if (!answers.has(nodename))
      throw new CeleriacError('CELERIAC_E_TIMEOUT', `${nodename} did not answer ${method} within ${ANSWER_MS} ms`);
    return answers.get(nodename);
  };
  const tell = async (nodename: string, method: string, queue: string): Promise<void> => {
    const answer = await askOne(nodename, method, { queue });
    if (!isRecord(answer) || !('ok' in answer)) {
      throw new CeleriacError('CELERIAC_E_BROKER', `${nodename} refused ${method} for ${queue}: ${JSON.stringify(answer)?.slice(0, 200)}`);
    }
  };
  return {
    async cordon(nodename, queues, mayTell = () => true) {
      const served = namesOf(await askOne(nodename, 'active_queues', {}));
      if (!mayTell()) throw new CeleriacError('CELERIAC_E_LEASE', `${nodename} was not cordoned: the right to do so is gone`);
      const all = [...new Set([...served, ...queues])];
      await Promise.all(all.map((queue) => tell(nodename, 'cancel_consumer', queue)));
      return all;
    },
    async uncordon(nodename, queues) {
      await Promise.all(queues.map((queue) => tell(nodename, 'add_consumer', queue)));
    },
    async inspect(nodenames) {
      const atMs = now();
      const call = { destination: nodenames, timeoutMs: ANSWER_MS, limit: nodenames.length };
      const [active, reserved, scheduled] = await Promise.all([
        control.request('active', { safe: true }, call),
        control.request('reserved', { safe: true }, call),
        control.request('scheduled', { safe: true }, call),
      ]);
      return new Map(
        nodenames.flatMap((nodename): [string, Inspection][] => {
          const counts = [active, reserved, scheduled]
            .map((answers) => answers.get(nodename))
            .map((list) => (Array.isArray(list) ? list.length : null));
          const [running, waiting, later] = counts;
          if (running == null || waiting == null || later == null) return [];
          return [[nodename, { atMs, active: running, reserved: waiting, scheduled: later }]];
        }),
      );
    },
    async slots(nodenames) {
      const answers = await control.request('stats', {}, { destination: nodenames, timeoutMs: ANSWER_MS, limit: nodenames.length });
      return new Map(
        [...answers].flatMap(([nodename, stats]): [string, number][] => {
          const pool = isRecord(stats) && isRecord(stats.pool) ? stats.pool['max-concurrency'] : undefined;
          return typeof pool === 'number' && Number.isSafeInteger(pool) && pool > 0 ? [[nodename, pool]] : [];
        }),
      );
    },
  };
}

function namesOf(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((queue: unknown) => (isRecord(queue) && typeof queue.name === 'string' ? [queue.name] : []));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
