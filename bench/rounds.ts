import type { BrokerName, Contender, Servers } from './contender.ts';
import { clean, measureLatency, measureWorker, type WorkerFigures } from './measure.ts';
import { median } from './statistics.ts';

export const BROKERS: readonly BrokerName[] = ['redis', 'rabbitmq'];
export const WAYS = ['batch', 'one-by-one'] as const;
export type Part = 'workers' | 'publish' | 'latency';

/** Enough tasks for a few seconds of each. */
const TASKS: Readonly<Record<string, number>> = {
  celeriac: 60_000,
  'celery 5.7': 4_000,
  'celery-node': 40_000,
  'bullmq sandboxed': 15_000,
};
const MESSAGES: Readonly<Record<(typeof WAYS)[number], number>> = { batch: 100_000, 'one-by-one': 10_000 };

/** All rows of one kind of figure, by what they are of. */
export class Rows<Row> {
  readonly #rows = new Map<string, Row[]>();

  add(key: string, row: Row): void {
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), row]);
  }

  median(key: string, of: (row: Row) => number): number {
    return median((this.#rows.get(key) ?? []).map(of));
  }
}

/** What the rounds of a run measured; keys are `broker/contender`, for publishing `broker/contender/way`. */
export interface Measured {
  readonly workers: Rows<WorkerFigures>;
  readonly publish: Rows<number>;
  readonly latency: Rows<{ readonly p50Ms: number; readonly p99Ms: number }>;
}

export interface RoundOptions {
  readonly contenders: readonly Contender[];
  readonly servers: Servers;
  readonly rounds: number;
  readonly quick: boolean;
  readonly wanted: (part: Part) => boolean;
  /** Deletes the queues of RabbitMQ. */
  readonly purgeRabbitmq: () => Promise<void>;
  readonly progress: (text: string) => void;
}

/** Every pair of a broker and a contender that works with it. */
export function pairsOf(contenders: readonly Contender[]): readonly { readonly broker: BrokerName; readonly contender: Contender }[] {
  return BROKERS.flatMap((broker) => contenders.filter((one) => one.brokers.includes(broker)).map((contender) => ({ broker, contender })));
}

/** Measures everybody in turns, so that a slow minute of the machine is everybody's. */
export async function runRounds(options: RoundOptions): Promise<Measured> {
  const { contenders, servers, rounds, wanted, purgeRabbitmq, progress } = options;
  const measured: Measured = { workers: new Rows(), publish: new Rows(), latency: new Rows() };
  const share = options.quick ? 2 : 1;
  for (let round = 1; round <= rounds; round += 1) {
    for (const { broker, contender } of pairsOf(contenders)) {
      const key = `${broker}/${contender.name}`;
      const tell = (text: string): void => progress(`round ${round}/${rounds} ${key} ${text}`);
      if (wanted('workers')) {
        await clean(servers, purgeRabbitmq);
        const figures = await measureWorker(contender, broker, servers, Math.round((TASKS[contender.name] ?? 5_000) / share));
        measured.workers.add(key, figures);
        tell(`${Math.round(figures.tasksPerS)} tasks/s`);
      }
      for (const way of wanted('publish') ? WAYS : []) {
        await clean(servers, purgeRabbitmq);
        const slow = contender.name.startsWith('celery 5') ? 3 : 1;
        const rate = await contender.publish(way, broker, servers, Math.round(MESSAGES[way] / slow / share));
        if (rate === null) continue;
        measured.publish.add(`${key}/${way}`, rate);
        tell(`publish ${way}: ${Math.round(rate)} messages/s`);
      }
      if (wanted('latency')) {
        await clean(servers, purgeRabbitmq);
        const figures = await measureLatency(contender, broker, servers, options.quick ? 100 : 300);
        measured.latency.add(key, figures);
        tell(`idle latency: p50 ${figures.p50Ms.toFixed(2)} ms`);
      }
    }
  }
  return measured;
}
