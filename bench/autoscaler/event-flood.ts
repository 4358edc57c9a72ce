import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../test/brokers/free-port.ts';
import { spawnProcess } from '../../test/spawned-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const POOLS = 20;

/** What events of tasks cost an autoscaler that counts them for `celery_*`. */
export interface EventFigures {
  /** Events told a second. */
  readonly rate: number;
  /** Events read a second, and messages left unread a second. */
  readonly read: number;
  readonly unread: number;
  /** Mean of the turns of all pools, ms. */
  readonly turnMeanMs: number;
  /** The bucket of `celeriac_turn_duration_seconds` that 99 % of the turns stay within, ms. */
  readonly turnP99Ms: number;
}

/** 20 local pools at zero, and each rate for `forMs`, the broker one for all. */
export async function measureEventFlood(broker: string, rates: readonly number[], forMs: number): Promise<readonly EventFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bench-'));
  const [http, celery] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const target = { local: { command: [process.execPath, '--version'] } }; // never started: no task is sent
  const pools = Array.from({ length: POOLS }, (_, index) => [`pool-${index}`, { queues: [`queue-${index}`], target }]);
  // JSON is YAML.
  writeFileSync(join(folder, 'pools.yaml'), JSON.stringify({ pools: Object.fromEntries(pools) }));
  const args = ['autoscale', '-f', join(folder, 'pools.yaml'), '-b', broker, '--http', http, '--celery-metrics', celery, '-l', 'warn'];
  const autoscaler = spawnProcess(process.execPath, [resolve(ROOT, 'packages/cli/dist/main.js'), ...args], { cwd: folder, group: true });
  try {
    for (const giveUpAtMs = performance.now() + 60_000; ; await pause(100)) {
      const ready = await fetch(`http://${http}/readyz`).catch(() => undefined);
      if (ready?.status === 200) break;
      if (performance.now() > giveUpAtMs) throw new Error(`the autoscaler did not become ready: ${autoscaler.output().slice(-2_000)}`);
    }
    const figures: EventFigures[] = [];
    for (const rate of rates) figures.push(await measureRate(broker, `http://${http}/metrics`, rate, forMs));
    return figures;
  } finally {
    await autoscaler.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureRate(broker: string, page: string, rate: number, forMs: number): Promise<EventFigures> {
  const script = resolve(import.meta.dirname, 'task-events.ts');
  const teller = spawnProcess(process.execPath, ['--conditions=@celeriac/source', script, broker, String(rate)], { group: true });
  try {
    await teller.line(/telling/, 30_000);
    await pause(1_000);
    const before = await scrape(page);
    await pause(forMs);
    const after = await scrape(page);
    const seconds = (after.atMs - before.atMs) / 1_000;
    const turns = after.count - before.count;
    const within = [...after.buckets].find(([le, total]) => total - (before.buckets.get(le) ?? 0) >= turns * 0.99);
    return {
      rate,
      read: (after.read - before.read) / seconds,
      unread: (after.unread - before.unread) / seconds,
      turnMeanMs: ((after.sum - before.sum) / turns) * 1_000,
      turnP99Ms: (within?.[0] ?? Number.POSITIVE_INFINITY) * 1_000,
    };
  } finally {
    await teller.kill();
  }
}

async function scrape(page: string) {
  const text = await (await fetch(page)).text();
  const value = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const buckets = [...text.matchAll(/^celeriac_turn_duration_seconds_bucket\{.*le="([^"]+)".*\} (\d+)$/gm)];
  return {
    atMs: performance.now(),
    read: value(/^celeriac_events_total(?:\{[^}]*\})? (\d+)$/m),
    unread: value(/^celeriac_events_dropped_total\{[^}]*reason="rate"[^}]*\} (\d+)$/m),
    sum: value(/^celeriac_turn_duration_seconds_sum(?:\{[^}]*\})? (\S+)$/m),
    count: value(/^celeriac_turn_duration_seconds_count(?:\{[^}]*\})? (\d+)$/m),
    buckets: new Map(buckets.map(([, le, total]) => [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), Number(total)])),
  };
}
