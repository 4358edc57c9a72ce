import type { ControlClient, QueueAdmin } from '@celeriac/brokers';
import { inTime } from '../samplers/in-time.ts';
import type { QueueFigures } from './exposition.ts';

/** Asks who serves which queue and what waits there. */
export interface FleetSurvey {
  /** The figures of every queue known: those of pools, and those that a worker was ever seen to serve. Never rejects. */
  read(): Promise<ReadonlyMap<string, QueueFigures>>;
}

export interface FleetSurveyOptions {
  readonly control: Pick<ControlClient, 'request'>;
  readonly admin: Pick<QueueAdmin, 'depths' | 'consumers'>;
  /** Queues that are shown before any worker is there. */
  readonly queues: readonly string[];
  /** How many workers are there: answers are waited for until so many have come. */
  readonly online: () => number;
  /** By a clock that nobody sets, ms. */
  readonly now: () => number;
}

interface Served {
  workers: number;
  processes: number;
}

/** As long as celery-exporter waits. */
const ANSWER_MS = 1_000;
const DEPTH_LIMIT_MS = 3_000;
/** Answers stand for so long, and longer where many workers must be asked. */
const ASK_EVERY_MS = 5_000;
const PER_WORKER_MS = 10;
const MOST_QUEUES = 2_000;

/**
 * `inspect active_queues` and `inspect stats` of all workers (celery/worker/control.py), and depths over all priorities. Scrapes that come
 * close together share one survey.
 */
export function createFleetSurvey(options: FleetSurveyOptions): FleetSurvey {
  const { control, admin, online, now } = options;
  const known = new Set(options.queues);
  let served: ReadonlyMap<string, Served> = new Map();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    const count = online();
    const call = { timeoutMs: ANSWER_MS, ...(count > 0 ? { limit: count } : {}) };
    const [queues, stats] = await Promise.all([control.request('active_queues', {}, call), control.request('stats', {}, call)]);
    const found = new Map<string, Served>();
    for (const [worker, answer] of queues) {
      for (const name of queueNamesOf(answer)) {
        const queue = found.get(name) ?? { workers: 0, processes: 0 };
        queue.workers += 1;
        queue.processes += processesOf(stats.get(worker));
        found.set(name, queue);
        if (known.size < MOST_QUEUES) known.add(name);
      }
    }
    served = found;
    askedAtMs = now();
  };
  const askIfOld = async (): Promise<void> => {
    if (now() - askedAtMs < Math.max(ASK_EVERY_MS, online() * PER_WORKER_MS)) return;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    await asking;
  };
  const orNothing = async <T>(answer: Promise<ReadonlyMap<string, T>> | undefined): Promise<ReadonlyMap<string, T>> => {
    if (answer === undefined) return new Map();
    return await inTime(answer, DEPTH_LIMIT_MS, 'an answer about queues').catch(() => new Map<string, T>());
  };

  return {
    async read() {
      const asked = await askIfOld().then(
        () => true,
        () => false,
      );
      const names = [...known];
      const [lengths, consumers] = await Promise.all([orNothing(admin.depths(names)), orNothing(admin.consumers?.(names))]);
      return new Map(
        names.map((name): [string, QueueFigures] => {
          const length = lengths.get(name);
          const { workers, processes } = served.get(name) ?? { workers: 0, processes: 0 };
          return [
            name,
            {
              length: typeof length === 'number' ? length : null,
              consumers: consumers.get(name) ?? null,
              workers: asked ? workers : null,
              processes: asked ? processes : null,
            },
          ];
        }),
      );
    },
  };
}

function queueNamesOf(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((queue: unknown) => (isRecord(queue) && typeof queue.name === 'string' && queue.name !== '' ? [queue.name] : []));
}

function processesOf(stats: unknown): number {
  const pool = isRecord(stats) && isRecord(stats.pool) ? stats.pool.processes : undefined;
  return Array.isArray(pool) ? pool.length : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
