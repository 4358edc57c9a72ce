// `npm run bench [-- --quick] [-- --json]`: peers and us in one run, interleaved; prints ratios and writes bench/RESULTS.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startOwnRabbitmq } from '../test/brokers/rabbitmq.ts';
import { startRedis } from '../test/brokers/redis.ts';
import { measureEventFlood } from './autoscaler/event-flood.ts';
import { measureAutoscaler } from './autoscaler/measure-autoscaler.ts';
import { AUTOSCALER_HEADING, autoscalerMarkdown } from './autoscaler/report-autoscaler.ts';
import { EVENTS_HEADING, eventsMarkdown } from './autoscaler/report-events.ts';
import { bullmq } from './contenders/bullmq.ts';
import { celeriac } from './contenders/celeriac.ts';
import { celery } from './contenders/celery.ts';
import { celeryNodeContender } from './contenders/celery-node.ts';
import { closeConnections } from './contenders/result-count.ts';
import { toFigures } from './figures.ts';
import { measureImages } from './images/measure-images.ts';
import { IMAGES_HEADING, imagesMarkdown } from './images/report-images.ts';
import { measureImports } from './import-cost.ts';
import { prepareBench } from './prepare.ts';
import { type Figures, machineLine, toMarkdown } from './report.ts';
import { replacePart } from './results-file.ts';
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
    /** Of workers, publish, latency, imports, autoscaler, events, images; nothing is written then, but for one of the last three alone its own part. */
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7));
const only = flags.only?.split(',');
const wanted = (part: string): boolean => only === undefined || only.includes(part);
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

const RESULTS = resolve(ROOT, 'bench/RESULTS.md');
const date = new Date().toISOString().slice(0, 10);
const alone = only?.length === 1 ? only[0] : undefined;
const about = (part: string): string =>
  `Measured by \`npm run bench -- --only ${part}${flags.quick ? ' --quick' : ''}\` on ${date}. Machine: ${machineLine()}.`;

if (alone !== 'images') prepareBench(ROOT, progress);
await using rabbitmq = await startOwnRabbitmq();
const figures = alone === 'autoscaler' || alone === 'events' || alone === 'images' ? undefined : await measureWorkers();
const autoscaler = wanted('autoscaler') ? await measureAutoscaler({ rabbitmq, quick: flags.quick, progress }) : undefined;
const events = wanted('events') ? await measureEvents() : undefined;
const images = wanted('images') ? await measureImages({ trials: flags.quick ? 5 : 15, progress }) : undefined;
const own = [
  ...(autoscaler === undefined ? [] : [[AUTOSCALER_HEADING, autoscalerMarkdown(autoscaler, about('autoscaler'))] as const]),
  ...(events === undefined ? [] : [[EVENTS_HEADING, eventsMarkdown(events, about('events'))] as const]),
  ...(images === undefined ? [] : [[IMAGES_HEADING, imagesMarkdown(images, about('images'))] as const]),
];
const parts = [...(figures === undefined ? [] : [toMarkdown(figures)]), ...own.map(([, text]) => text)];
if (only === undefined) writeFileSync(RESULTS, parts.join('\n'));
else if (figures === undefined) for (const [heading, text] of own) replacePart(RESULTS, heading, text);
process.stdout.write(flags.json ? `${JSON.stringify({ ...figures, autoscaler, events, images })}\n` : parts.join('\n'));

async function measureEvents() {
  await using redis = await startRedis();
  const { url } = await rabbitmq.createVhost();
  const rates = [0, 1_000, 5_000, 10_000];
  const measured = [];
  for (const [broker, at] of [['redis', redis.url] as const, ['rabbitmq', url] as const]) {
    progress(`events on ${broker}`);
    for (const row of await measureEventFlood(at, rates, flags.quick ? 10_000 : 30_000)) measured.push({ broker, ...row });
  }
  return measured;
}

async function measureWorkers(): Promise<Figures> {
  await using redis = await startRedis();
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
  return toFigures(measured, CONTENDERS, {
    date,
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
}
