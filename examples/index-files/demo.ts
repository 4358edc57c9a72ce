// `npm start`: the embedded broker, an autoscaler and its workers, and over ten thousand tasks on the files below node_modules.

import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { createEmbeddedBroker } from '@celeriac/embedded';
import { startFleet } from './fleet.ts';
import { onKeys } from './keys.ts';
import { listFiles } from './list-files.ts';
import { openScreen } from './screen.ts';
import { formatSummary, summarise } from './summary.ts';
import { createWork } from './work.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = resolve(ROOT, 'node_modules');
const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true && !process.argv.includes('--once');

if (!existsSync(FOLDER)) throw new Error(`${FOLDER} does not exist: run npm start, which installs it`);
const startedAt = performance.now();
const screen = openScreen(process.stdout);
const broker = await createEmbeddedBroker({});
const urls = { broker: broker.url, backend: new URL('/1', broker.url).href };
screen.say(`broker      embedded, ${urls.broker}`);
screen.say(`Python      pip install "celery[redis]" && celery -b ${urls.broker} status`);

const workers = { now: 0, peak: 0 };
let told = 0;
const rate = { doneAt: 0, done: 0, perSecond: 0 };
const work = createWork(urls, () => update());
const fleet = await startFleet(urls, (line) => screen.say(`worker      ${line}`));
const stop = new AbortController();
let idle: (() => void) | undefined;

function update(): void {
  const { published, succeeded, failed } = work.counts;
  const now = performance.now();
  if (now - rate.doneAt > 500) {
    rate.perSecond = ((succeeded + failed - rate.done) * 1000) / (now - rate.doneAt);
    rate.doneAt = now;
    rate.done = succeeded + failed;
  }
  screen.show({ done: succeeded + failed, failed, total: published, perSecond: rate.perSecond, workers: workers.now });
}

fleet.autoscaler.onTick(({ decision }) => {
  const { ready, starting, leaving } = decision.evidence.replicas;
  workers.now = ready + starting + leaving;
  workers.peak = Math.max(workers.peak, ready + starting);
  if (decision.kind === 'scale' && decision.to !== told)
    screen.say(`autoscaler  ${decision.from} -> ${decision.to} workers: ${decision.text}`);
  told = decision.to;
  update();
  if (workers.now === 0) idle?.();
});

/** Resolves when the fleet is at zero with nothing left to do, or at the stop. */
function fleetAtZero(): Promise<void> {
  return new Promise((done) => {
    idle = () => {
      if (work.counts.succeeded + work.counts.failed === work.counts.published) done();
    };
    stop.signal.addEventListener('abort', () => done(), { once: true });
    if (workers.now === 0 && workers.peak > 0) idle();
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    screen.say(`\nstopping: the workers finish what they have begun`);
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    stop.abort();
  });
}

const files = [...listFiles(FOLDER)].map((path) => relative(import.meta.dirname, path));
screen.say(`work        index and fingerprint ${files.length.toLocaleString('en-US')} files below node_modules`);
const indexed = work.index(files).catch((error: unknown) => {
  if (!stop.signal.aborted) throw error;
});
const keys = interactive
  ? onKeys({
      b: () => void work.index(files.slice(0, 500)).catch(() => {}),
      f: () => void work.fail().catch(() => {}),
      q: () => stop.abort(),
      '\u0003': () => stop.abort(),
    })
  : undefined;
if (interactive) screen.say('keys        b burst of 1,000 tasks   f a task that fails   q quit');

await Promise.race([indexed, new Promise((done) => stop.signal.addEventListener('abort', done, { once: true }))]);
if (!stop.signal.aborted) {
  screen.say(`answer\n${formatSummary(summarise(work.facts, work.fingerprints))}`);
  await fleetAtZero();
  if (interactive && !stop.signal.aborted) {
    screen.say('the fleet is at zero: b wakes it, q quits');
    await new Promise((done) => stop.signal.addEventListener('abort', done, { once: true }));
  }
}

keys?.close();
const finalWorkers = await fleet.stop();
await work.close();
await broker.stop();
screen.close();
const { published, succeeded, failed } = work.counts;
const wallSeconds = Number(((performance.now() - startedAt) / 1000).toFixed(2));
process.stdout.write(`${JSON.stringify({ tasks: published, succeeded, failed, peakWorkers: workers.peak, finalWorkers, wallSeconds })}\n`);
