import type { BrokerName, Contender } from './contender.ts';
import type { ImportCost } from './import-cost.ts';
import type { Figures } from './report.ts';
import { type Measured, pairsOf, WAYS } from './rounds.ts';

const OURS = 'celeriac';
const CELERY = 'celery 5.7';

/** Turns what was measured into medians and ratios. */
export function toFigures(
  measured: Measured,
  contenders: readonly Contender[],
  about: Pick<Figures, 'date' | 'quick' | 'rounds' | 'machine' | 'versions'> & { readonly imports: readonly ImportCost[] },
): Figures {
  const rate = (broker: BrokerName, name: string): number => measured.workers.median(`${broker}/${name}`, (row) => row.tasksPerS);
  const over = (broker: BrokerName, name: string): number => rate(broker, OURS) / rate(broker, name);
  const published = (broker: BrokerName, name: string, way: string): number =>
    measured.publish.median(`${broker}/${name}/${way}`, (row) => row);
  const overCelery = (broker: BrokerName, name: string, way: string): number =>
    published(broker, name, way) / published(broker, CELERY, 'one-by-one');
  const pairs = pairsOf(contenders);
  return {
    ...about,
    workers: pairs.map(({ broker, contender: { name, guarantees } }) => ({
      contender: name,
      guarantees,
      broker,
      tasksPerS: rate(broker, name),
      bootMs: measured.workers.median(`${broker}/${name}`, (row) => row.bootMs),
      pssMib: measured.workers.median(`${broker}/${name}`, (row) => row.pssMib),
      ratio: over(broker, name),
    })),
    publish: pairs
      .flatMap(({ broker, contender: { name } }) =>
        WAYS.map((way) => ({
          contender: name,
          broker,
          way,
          messagesPerS: published(broker, name, way),
          ratioToCelery: overCelery(broker, name, way),
        })),
      )
      .filter((row) => Number.isFinite(row.messagesPerS)),
    latency: pairs.map(({ broker, contender: { name } }) => ({
      contender: name,
      broker,
      p50Ms: measured.latency.median(`${broker}/${name}`, (row) => row.p50Ms),
      p99Ms: measured.latency.median(`${broker}/${name}`, (row) => row.p99Ms),
    })),
    ratios: {
      redis: { celery: over('redis', CELERY), 'celery-node': over('redis', 'celery-node'), bullmq: over('redis', 'bullmq sandboxed') },
      rabbitmq: { celery: over('rabbitmq', CELERY), 'celery-node': over('rabbitmq', 'celery-node') },
      publish: {
        redis: { celery: overCelery('redis', OURS, 'batch') },
        rabbitmq: { celery: overCelery('rabbitmq', OURS, 'batch') },
      },
    },
  };
}
