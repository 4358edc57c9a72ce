import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { spawnProcess } from '../../test/spawned-process.ts';
import { median } from '../statistics.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { type BenchController, type BenchPool, startBenchController } from './bench-controller.ts';

/** What one controller costs while it runs. */
export interface CostFigures {
  readonly what: string;
  readonly pools: number;
  readonly pods: number;
  /** Largest resident memory, MiB. */
  readonly rssMib: number;
  /** Share of one core. */
  readonly cpuShare: number;
  readonly scrapeMs: number;
  readonly scrapeMib: number;
}

/** Watches a controller for a while. */
export async function measureCost(
  controller: BenchController,
  about: Pick<CostFigures, 'what' | 'pools' | 'pods'>,
  forMs: number,
): Promise<CostFigures> {
  const beganMs = performance.now();
  const beganCpuMs = controller.cpuMs();
  const scrapes: { readonly tookMs: number; readonly bytes: number }[] = [];
  let rssMib = 0;
  for (let round = 0; performance.now() - beganMs < forMs; round += 1) {
    await pause(1_000);
    // Prometheus comes every 30 s by default, here every 10.
    if (round % 10 === 5) {
      const atMs = performance.now();
      const text = await controller.metrics();
      scrapes.push({ tookMs: performance.now() - atMs, bytes: Buffer.byteLength(text) });
    }
    rssMib = Math.max(rssMib, controller.rssMib());
  }
  return {
    ...about,
    rssMib,
    cpuShare: (controller.cpuMs() - beganCpuMs) / (performance.now() - beganMs),
    scrapeMs: median(scrapes.map(({ tookMs }) => tookMs)),
    scrapeMib: median(scrapes.map(({ bytes }) => bytes)) / 2 ** 20,
  };
}

/** Every pool with pods that are up and at work, each with a heartbeat every 2 s. */
export async function measureBusyFleet(
  cluster: BenchCluster,
  broker: string,
  size: { readonly pools: number; readonly podsEach: number },
  forMs: number,
  progress: (text: string) => void,
): Promise<CostFigures> {
  const pools: readonly BenchPool[] = Array.from({ length: size.pools }, (_, index) => {
    const name = `fleet-${index}`;
    return { name, queues: [name], slots: 2, min: 0, max: 40 };
  });
  const pods = size.pools * size.podsEach;
  progress(`creating ${size.pools} Deployments with ${pods} pods`);
  await cluster.createDeployments(
    pools.map(({ name }) => name),
    size.podsEach,
  );
  const names = await cluster.makeReady(pods);
  progress('pods are ready');
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bench-'));
  writeFileSync(join(folder, 'hosts'), names.join('\n'));
  const script = resolve(import.meta.dirname, 'heartbeats.ts');
  const beats = spawnProcess(process.execPath, ['--conditions=@celeriac/source', script, broker, join(folder, 'hosts')], { group: true });
  try {
    await beats.line(/beating/, 30_000);
    await using controller = await startBenchController({ broker, kubeconfig: cluster.kubeconfig, namespace: cluster.namespace, pools });
    progress('the controller is ready');
    await pause(10_000);
    const cost = await measureCost(controller, { what: 'all at work', pools: size.pools, pods }, forMs);
    const text = await controller.metrics();
    const ready = [...text.matchAll(/^celeriac_pool_replicas\{.*state="ready"\} (\d+)$/gm)].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
    if (ready < pods) progress(`only ${ready} of ${pods} pods count as ready: ${controller.output().slice(-2_000)}`);
    return cost;
  } finally {
    await beats.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
