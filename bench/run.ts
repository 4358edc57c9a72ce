// `npm run bench [-- --quick] [-- --json]`: peers and us in one run, interleaved; prints ratios and writes bench/RESULTS.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startOwnRabbitmq } from '../test/brokers/rabbitmq.ts';
import { startRedis } from '../test/brokers/redis.ts';
import type { BrokerName, Contender, Servers } from './contender.ts';
import { bullmq } from './contenders/bullmq.ts';
import { celeriac } from './contenders/celeriac.ts';
import { celery } from './contenders/celery.ts';
import { celeryNodeContender } from './contenders/celery-node.ts';
import { closeConnections } from './contenders/result-count.ts';
import { measureImports } from './import-cost.ts';
import { clean, measureLatency, measureWorker, type WorkerFigures } from './measure.ts';
import { prepareBench } from './prepare.ts';
import { type Figures, machineLine, toMarkdown } from './report.ts';
import { median } from './statistics.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BROKERS: readonly BrokerName[] = ['redis', 'rabbitmq'];
const CONTENDERS: readonly Contender[] = [celeriac, celery, celeryNodeContender, bullmq];

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7));
const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const wanted = (part: string): boolean => flags.only === undefined || flags.only.split(',').includes(part);

/** Enough tasks for a few seconds of each. */
const TASKS: Readonly<Record<string, number>> = {
  celeriac: 60_000,
  'celery 5.7': 4_000,
  'celery-node': 40_000,
  'bullmq sandboxed': 15_000,
};
const MESSAGES: Readonly<Record<string, number>> = { batch: 100_000, 'one-by-one': 10_000 };

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(resolve(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
}

class Collector<Row> {
  readonly #rows = new Map<string, Row[]>();
  add(key: string, row: Row): void {
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), row]);
  }
  median(key: string, of: (row: Row) => number): number {
    return median((this.#rows.get(key) ?? []).map(of));
  }
}

async function main(): Promise<void> {
  prepareBench(ROOT, progress);
  await using redis = await startRedis();
  await using rabbitmq = await startOwnRabbitmq();
  const vhost = await rabbitmq.createVhost();
  const servers: Servers = { redisUrl: redis.url, redisPort: redis.port, backendUrl: redis.database(1), rabbitmqUrl: vhost.url };
  const purge = async (): Promise<void> => {
    for (const queue of await rabbitmq.queues(vhost))
      await rabbitmq.management('DELETE', `queues/${encodeURIComponent(vhost.name)}/${encodeURIComponent(queue.name)}`);
  };

  const workers = new Collector<WorkerFigures>();
  const published = new Collector<number>();
  const latency = new Collector<{ p50Ms: number; p99Ms: number }>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const broker of BROKERS) {
      for (const contender of CONTENDERS.filter((one) => one.brokers.includes(broker))) {
        const key = `${broker}/${contender.name}`;
        if (wanted('workers')) {
          await clean(servers, purge);
          const figures = await measureWorker(contender, broker, servers, (TASKS[contender.name] ?? 5_000) / (flags.quick ? 2 : 1));
          workers.add(key, figures);
          progress(`round ${round}/${rounds} ${key}: ${Math.round(figures.tasksPerS)} tasks/s`);
        }
        for (const way of ['batch', 'one-by-one'] as const) {
          if (!wanted('publish')) continue;
          await clean(servers, purge);
          const count = (MESSAGES[way] ?? 0) / (contender === celery ? 3 : 1) / (flags.quick ? 2 : 1);
          const rate = await contender.publish(way, broker, servers, Math.round(count));
          if (rate !== null) {
            published.add(`${key}/${way}`, rate);
            progress(`round ${round}/${rounds} ${key} publish ${way}: ${Math.round(rate)} messages/s`);
          }
        }
        if (wanted('latency')) {
          await clean(servers, purge);
          const figures = await measureLatency(contender, broker, servers, flags.quick ? 100 : 300);
          latency.add(key, figures);
          progress(`round ${round}/${rounds} ${key} idle latency: p50 ${figures.p50Ms.toFixed(2)} ms`);
        }
      }
    }
  }
  const imports = wanted('imports') ? measureImports(flags.quick ? 7 : 15) : [];
  closeConnections();

  const rate = (broker: BrokerName, name: string): number => workers.median(`${broker}/${name}`, (row) => row.tasksPerS);
  const over = (broker: BrokerName, name: string): number => rate(broker, 'celeriac') / rate(broker, name);
  const celeryPublishes = (broker: BrokerName): number => published.median(`${broker}/celery 5.7/one-by-one`, (row) => row);
  const pairs = BROKERS.flatMap((broker) =>
    CONTENDERS.filter((one) => one.brokers.includes(broker)).map((contender) => ({ broker, contender })),
  );
  const figures: Figures = {
    date: new Date().toISOString().slice(0, 10),
    quick: flags.quick,
    rounds,
    machine: machineLine(),
    versions: {
      bullmq: versionOf('bullmq'),
      'celery-node': versionOf('celery-node'),
      celery: '5.7.0',
      ioredis: versionOf('ioredis'),
      amqplib: versionOf('amqplib'),
    },
    workers: pairs.map(({ broker, contender }) => ({
      contender: contender.name,
      guarantees: contender.guarantees,
      broker,
      tasksPerS: rate(broker, contender.name),
      bootMs: workers.median(`${broker}/${contender.name}`, (row) => row.bootMs),
      pssMib: workers.median(`${broker}/${contender.name}`, (row) => row.pssMib),
      ratio: over(broker, contender.name),
    })),
    publish: pairs.flatMap(({ broker, contender }) =>
      (['batch', 'one-by-one'] as const)
        .map((way) => ({
          contender: contender.name,
          broker,
          way,
          messagesPerS: published.median(`${broker}/${contender.name}/${way}`, (row) => row),
          ratioToCelery: published.median(`${broker}/${contender.name}/${way}`, (row) => row) / celeryPublishes(broker),
        }))
        .filter((row) => Number.isFinite(row.messagesPerS)),
    ),
    latency: pairs.map(({ broker, contender }) => ({
      contender: contender.name,
      broker,
      p50Ms: latency.median(`${broker}/${contender.name}`, (row) => row.p50Ms),
      p99Ms: latency.median(`${broker}/${contender.name}`, (row) => row.p99Ms),
    })),
    imports,
    ratios: {
      redis: {
        celery: over('redis', 'celery 5.7'),
        'celery-node': over('redis', 'celery-node'),
        bullmq: over('redis', 'bullmq sandboxed'),
      },
      rabbitmq: { celery: over('rabbitmq', 'celery 5.7'), 'celery-node': over('rabbitmq', 'celery-node') },
      publish: {
        redis: { celery: published.median('redis/celeriac/batch', (row) => row) / celeryPublishes('redis') },
        rabbitmq: { celery: published.median('rabbitmq/celeriac/batch', (row) => row) / celeryPublishes('rabbitmq') },
      },
    },
  };
  const markdown = toMarkdown(figures);
  if (flags.only === undefined) writeFileSync(resolve(ROOT, 'bench/RESULTS.md'), markdown);
  if (flags.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else process.stdout.write(markdown);
}

await main();
