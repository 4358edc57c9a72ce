// `npm run bench [-- --quick] [-- --json]`: peers and us in one run, interleaved; prints ratios and writes bench/RESULTS.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startOwnRabbitmq } from '../test/brokers/rabbitmq.ts';
import { startRedis } from '../test/brokers/redis.ts';
import { bullmq } from './contenders/bullmq.ts';
import { celeriac } from './contenders/celeriac.ts';
import { celery } from './contenders/celery.ts';
import { celeryNodeContender } from './contenders/celery-node.ts';
import { closeConnections } from './contenders/result-count.ts';
import { toFigures } from './figures.ts';
import { measureImports } from './import-cost.ts';
import { prepareBench } from './prepare.ts';
import { machineLine, toMarkdown } from './report.ts';
import { runRounds } from './rounds.ts';

const ROOT = resolve(import.meta.dirname, '..');
const CONTENDERS = [celeriac, celery, celeryNodeContender, bullmq];

/** Of the copy that is used: a package's own, else the one at the top. */
function versionOf(name: string, user: string): string {
  const folders = [resolve(ROOT, user, 'node_modules', name), resolve(ROOT, 'node_modules', name)];
  const folder = folders.find((one) => existsSync(one)) ?? '';
  return (JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** Rounds of every measurement. */
    rounds: { type: 'string' },
    /** Of workers, publish, latency, imports; nothing is written then. */
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7));
const only = flags.only?.split(',');
const wanted = (part: string): boolean => only === undefined || only.includes(part);
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

prepareBench(ROOT, progress);
await using redis = await startRedis();
await using rabbitmq = await startOwnRabbitmq();
const vhost = await rabbitmq.createVhost();
const measured = await runRounds({
  contenders: CONTENDERS,
  servers: { redisUrl: redis.url, redisPort: redis.port, backendUrl: redis.database(1), rabbitmqUrl: vhost.url },
  rounds,
  quick: flags.quick,
  wanted,
  purgeRabbitmq: async () => {
    for (const { name } of await rabbitmq.queues(vhost)) {
      await rabbitmq.management('DELETE', `queues/${encodeURIComponent(vhost.name)}/${encodeURIComponent(name)}`);
    }
  },
  progress,
});
closeConnections();
const figures = toFigures(measured, CONTENDERS, {
  date: new Date().toISOString().slice(0, 10),
  quick: flags.quick,
  rounds,
  machine: machineLine(),
  versions: {
    celery: '5.7.0',
    'celery-node': versionOf('celery-node', '.'),
    bullmq: versionOf('bullmq', '.'),
    ioredis: versionOf('ioredis', 'packages/brokers'),
    amqplib: versionOf('amqplib', 'packages/brokers'),
  },
  imports: wanted('imports') ? measureImports(flags.quick ? 7 : 15) : [],
});
const markdown = toMarkdown(figures);
if (only === undefined) writeFileSync(resolve(ROOT, 'bench/RESULTS.md'), markdown);
process.stdout.write(flags.json ? `${JSON.stringify(figures)}\n` : markdown);
