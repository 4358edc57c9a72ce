import { setTimeout as pause } from 'node:timers/promises';
import type { OwnRabbitmq } from '../../test/brokers/rabbitmq.ts';
import { startRedis } from '../../test/brokers/redis.ts';
import { kubernetesAssets } from '../../test/kubernetes/assets.ts';
import { type CostFigures, measureBusyFleet, measureCost } from './at-scale.ts';
import { startBenchCluster } from './bench-cluster.ts';
import { type DecidingFigures, measureDeciding } from './deciding.ts';
import { measureSampling, type SamplingFigures } from './sampling.ts';
import { atZero, type BurstFigures, measureBursts, measureWake, poolsAtZero, type WakeFigures } from './wake.ts';

type Broker = 'redis' | 'rabbitmq';

/** Everything measured of the autoscaler. */
export interface AutoscalerFigures {
  readonly deciding: DecidingFigures;
  readonly sampling: readonly (SamplingFigures & { readonly broker: Broker })[];
  /** Empty where the programs of a control plane are missing. */
  readonly wakes: readonly (WakeFigures & { readonly broker: Broker })[];
  readonly bursts: readonly (BurstFigures & { readonly broker: Broker })[];
  readonly costs: readonly (CostFigures & { readonly broker: Broker })[];
}

/** Measures the autoscaler as built, on brokers and a control plane of its own. */
export async function measureAutoscaler(options: {
  readonly rabbitmq: OwnRabbitmq;
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}): Promise<AutoscalerFigures> {
  const { rabbitmq, quick, progress } = options;
  const deciding = measureDeciding(1_000, 5);
  progress(`1,000 pools decided in ${deciding.tookMs.toFixed(0)} ms`);

  const sampling: AutoscalerFigures['sampling'][number][] = [];
  const wakes: AutoscalerFigures['wakes'][number][] = [];
  const bursts: AutoscalerFigures['bursts'][number][] = [];
  const costs: AutoscalerFigures['costs'][number][] = [];
  const assets = await kubernetesAssets();
  const brokers: readonly [Broker, () => Promise<{ readonly url: string; stop(): Promise<unknown> }>][] = [
    ['redis', startRedis],
    [
      'rabbitmq',
      // Ten thousand queues take minutes to delete; they go with the node.
      async () => ({ url: (await rabbitmq.createVhost()).url, stop: () => Promise.resolve() }),
    ],
  ];
  for (const [broker, start] of brokers) {
    await withBroker(start, async (url) => {
      const figures = await measureSampling(url, 10_000);
      sampling.push({ broker, ...figures });
      progress(`${broker}: 10,000 queues in ${figures.tookMs.toFixed(0)} ms`);
    });
    if ('missing' in assets) continue;
    await withBroker(start, async (url) => {
      await using cluster = await startBenchCluster();
      const pools = poolsAtZero(60, 1);
      const bursty = poolsAtZero(quick ? 5 : 10, 40, 'burst');
      await cluster.createDeployments(
        [...pools, ...bursty].map(({ name }) => name),
        0,
      );
      {
        await using controller = await atZero(cluster, url, [...pools, ...bursty]);
        wakes.push({ broker, ...(await measureWake(cluster, url, pools, 60)) });
        progress(`${broker}: woken ${wakes.at(-1)?.p50Ms.toFixed(0)} ms, p99 ${wakes.at(-1)?.p99Ms.toFixed(0)} ms`);
        bursts.push({ broker, ...(await measureBursts(cluster, url, bursty, 400)) });
        if (controller.output() !== '') progress(controller.output().slice(-2_000));
      }
      const few = poolsAtZero(5, 1, 'few');
      await cluster.createDeployments(
        few.map(({ name }) => name),
        0,
      );
      {
        await using controller = await atZero(cluster, url, few);
        await pause(10_000);
        costs.push({
          broker,
          ...(await measureCost(controller, { what: 'at zero', pools: few.length, pods: 0 }, quick ? 20_000 : 60_000)),
        });
      }
      const many = poolsAtZero(1_000, 1, 'many');
      await cluster.createDeployments(
        many.map(({ name }) => name),
        0,
      );
      {
        await using controller = await atZero(cluster, url, many);
        await pause(20_000);
        costs.push({ broker, ...(await measureCost(controller, { what: 'at zero', pools: 1_000, pods: 0 }, quick ? 20_000 : 60_000)) });
        wakes.push({ broker, ...(await measureWake(cluster, url, many, 60)) });
        progress(`${broker}, 1,000 pools: woken ${wakes.at(-1)?.p50Ms.toFixed(0)} ms, p99 ${wakes.at(-1)?.p99Ms.toFixed(0)} ms`);
      }
    });
  }
  if (!('missing' in assets)) {
    await withBroker(startRedis, async (url) => {
      await using cluster = await startBenchCluster();
      const cost = await measureBusyFleet(cluster, url, { pools: 1_000, podsEach: 5 }, quick ? 40_000 : 120_000, progress);
      costs.push({ broker: 'redis', ...cost });
    });
  }
  return { deciding, sampling, wakes, bursts, costs };
}

async function withBroker(
  start: () => Promise<{ readonly url: string; stop(): Promise<unknown> }>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const broker = await start();
  try {
    await use(broker.url);
  } finally {
    await broker.stop();
  }
}
