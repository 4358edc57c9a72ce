// `npm start`: the embedded broker, an autoscaler and its workers, and over ten thousand tasks on the files below node_modules.

import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { createEmbeddedBroker } from '@celeriac/embedded';
import { awaitEnding } from './ending.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { onKeys } from './keys.ts';
import { INDEXED_FOLDER, listFiles } from './list-files.ts';
import { openScreen } from './screen.ts';
import { formatSummary, summarise } from './summary.ts';
import { createWork, type Work } from './work.ts';

const BURST_FILES = 500;
const startedAtMs = performance.now();
const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true && !process.argv.includes('--once');
const screen = openScreen(process.stdout);
const say = (label: string, text: string): void => screen.say(`${label.padEnd(11)} ${text}`);
const ending = awaitEnding((text) => screen.say(text));
/** What is open, closed in reverse order. */
const closing: (() => Promise<unknown>)[] = [];
const workers = { now: 0, peak: 0, final: 0 };
const rate = { atMs: 0, done: 0, perSecond: 0 };
let work: Work | undefined;

try {
  await run();
} catch (error) {
  if (!ending.asked.aborted) ending.broke(error);
}
if (ending.asked.aborted && workers.now > 0) say('stopping', 'workers finish what they have begun');
for (const close of closing.reverse()) await close().catch(ending.broke);
screen.close();
const { published = 0, succeeded = 0, failed = 0 } = work?.counts ?? {};
const wallSeconds = Number(((performance.now() - startedAtMs) / 1000).toFixed(2));
const outcome = { tasks: published, succeeded, failed, peakWorkers: workers.peak, finalWorkers: workers.final, wallSeconds };
if (workers.final > 0) process.exitCode = 1;
process.stdout.write(`${JSON.stringify(outcome)}\n`);

async function run(): Promise<void> {
  if (!existsSync(INDEXED_FOLDER)) throw new Error(`${INDEXED_FOLDER} does not exist: npm start installs it`);
  const broker = await createEmbeddedBroker();
  closing.push(() => broker.stop());
  const urls = { broker: broker.url, backend: new URL('/1', broker.url).href };
  say('broker', `embedded, ${urls.broker}`);
  const client = `Celery(broker='${urls.broker}', backend='${urls.backend}')`;
  const call = `${client}.send_task('index.file', ['typescript/package.json']).get(timeout=9)`;
  say('Python', `pip install "celery[redis]" && python -c "from celery import Celery; print(${call})"`);

  const opened = createWork(urls, show);
  work = opened;
  closing.push(() => opened.close());
  const fleet = await startFleet(urls, say);
  closing.push(async () => {
    workers.final = await fleet.stop(ending.hurry);
    workers.now = workers.final;
    show();
  });
  const whenAtZero = followFleet(fleet);

  const files = Array.from(listFiles(INDEXED_FOLDER), (path) => relative(INDEXED_FOLDER, path));
  say('work', `index and fingerprint ${files.length.toLocaleString('en-US')} files below node_modules`);
  if (interactive) openKeys(opened, files);
  const found = await Promise.race([opened.index(files), ending.whenAsked]);
  if (found === undefined) return;
  if (found.failed > 0) process.exitCode = 1;
  screen.say(`answer\n${formatSummary(summarise(found.facts, found.fingerprints))}`);
  await Promise.race([whenAtZero(), ending.whenAsked]);
  if (!interactive || ending.asked.aborted) return;
  say('', 'the fleet is at zero: b wakes it, q quits');
  await ending.whenAsked;
}

/** Shows what the autoscaler decides; the returned function resolves when no worker and no task is left. */
function followFleet(fleet: Fleet): () => Promise<void> {
  let told = 0;
  let idle: (() => void) | undefined;
  const look = (): void => {
    const { published = 0, succeeded = 0, failed = 0 } = work?.counts ?? {};
    if (workers.now === 0 && succeeded + failed === published) idle?.();
  };
  fleet.autoscaler.onTick(({ decision }) => {
    const { from, to, kind, text } = decision;
    workers.now = fleet.size;
    workers.peak = Math.max(workers.peak, workers.now);
    if (kind === 'scale' && (to !== told || to > from)) say('autoscaler', `${from} -> ${to} ${to === 1 ? 'worker' : 'workers'}: ${text}`);
    told = to;
    show();
    look();
  });
  return () =>
    new Promise((resolve) => {
      idle = resolve;
      look();
    });
}

function openKeys(opened: Work, files: readonly string[]): void {
  const ignore = (): void => {}; // it ends with the demo
  const keys = onKeys({
    b: () => void opened.index(files.slice(0, BURST_FILES)).catch(ignore),
    f: () => void opened.fail().then((told) => ending.asked.aborted || say('its caller', told), ignore),
    q: () => ending.quit(0),
    '\u0003': () => ending.quit(130),
  });
  closing.push(async () => keys.close());
  say('keys', `b burst of ${(2 * BURST_FILES).toLocaleString('en-US')} tasks   f a task that fails   q quit`);
}

function show(): void {
  const { published = 0, succeeded = 0, failed = 0 } = work?.counts ?? {};
  const nowMs = performance.now();
  const done = succeeded + failed;
  if (nowMs - rate.atMs > 500) {
    rate.perSecond = ((done - rate.done) * 1000) / (nowMs - rate.atMs);
    rate.atMs = nowMs;
    rate.done = done;
  }
  screen.show({ done, failed, total: published, perSecond: rate.perSecond, workers: workers.now });
}
