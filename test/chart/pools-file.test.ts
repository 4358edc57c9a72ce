// The pools.yaml in the ConfigMap, read by the autoscaler's own reader, and the ScaledObjects of what KEDA scales by it.

import { describe, expect, it } from 'vitest';
import type { PoolConfig, PoolsConfig } from '../../packages/autoscaler/src/config/pools-config.ts';
import { readPools } from '../../packages/autoscaler/src/config/read-pools.ts';
import { minimal, withPool } from './minimal.ts';
import { poolsConfig } from './pools-config.ts';
import { type Rendered, type RenderOptions, render, type Values } from './render.ts';

async function config(values: Values, options: RenderOptions = {}): Promise<PoolsConfig> {
  return poolsConfig(await render(values, options));
}

async function mail(pool: Values, more: Values = {}): Promise<PoolConfig> {
  const { pools } = await config({ ...withPool(pool), ...more });
  expect(pools).toHaveLength(1);
  return pools[0] as PoolConfig;
}

describe.concurrent('pools.yaml', () => {
  it('says a pool as it is said in values', async () => {
    const scaling = {
      mode: 'up-only',
      paused: 'in',
      replicas: 3,
      min: 1,
      max: 100_000,
      goal: { queueWait: '30s', queues: { mail: '1.5s' }, headroom: 0.5, expectedTaskTime: '2m', expectedStartTime: '1m' },
      schedules: [{ from: '0 8 * * 1-5', to: '0 18 * * 1-5', timeZone: 'Europe/Berlin', min: 4 }],
      idleToZero: '30s',
      keepWarm: 1.5,
      downDelay: '5m',
      fallback: { replicas: 2, after: '90s' },
      maxUpStep: 10,
      maxPending: 5,
    };
    const target = { otherWriters: 'ignore', startTimeout: '10m', provisionTimeout: '1h', minGracePeriod: '2m', protectBusy: true };
    const size = { cpu: '500m', memory: '1Gi', gpu: 1, labels: { tier: 'a' }, perTask: { cpu: 0.25 } };
    const more = { budgets: { all: { cpu: 40, replicas: 60 } } };
    const pool = await mail({ concurrency: 7, scaling, target, size, budget: { from: 'all', tier: 2, weight: 0.5 } }, more);
    expect(pool).toMatchObject({
      spec: {
        pool: 'mail',
        queues: [{ name: 'mail', waitGoalMs: 1_500 }],
        slotsPerReplica: 7,
        mode: 'up-only',
        pause: 'in',
        fixed: 3,
        min: 1,
        max: 100_000,
        idleToZeroMs: 30_000,
        keepWarm: 1.5,
        downDelayMs: 300_000,
        fallback: { replicas: 2, afterMs: 90_000 },
        maxUpStep: 10,
        maxPending: 5,
        expectedServiceMs: 120_000,
        expectedColdStartMs: 60_000,
        headroom: 0.5,
      },
      target: {
        kind: 'deployment',
        namespace: undefined,
        name: 'demo-celeriac-mail',
        otherWriters: 'ignore',
        startTimeoutMs: 600_000,
        provisionTimeoutMs: 3_600_000,
        minGracePeriodMs: 120_000,
      },
      size,
      budget: { from: 'all', tier: 2, weight: 0.5 },
      schedules: [{ from: '0 8 * * 1-5', to: '0 18 * * 1-5', timeZone: 'Europe/Berlin', min: 4, max: 100_000 }],
    });
    expect((await config({ ...withPool({}), ...more })).budgets?.get('all')).toEqual({ cpu: 40_000, replicas: 60 });
  });

  it('says the defaults of the chart where nothing is said, which are those of the autoscaler', async () => {
    const alone = await readPools(
      'pools: { mail: { queues: [mail], slotsPerReplica: 4, target: { deployment: { name: demo-celeriac-mail } } } }',
    );
    expect(await mail({})).toEqual(alone.pools[0]);
  });

  it('merges scaling of a pool into that of all, and takes away by null', async () => {
    const defaults = { app: 'tasks.ts', scaling: { max: 20, goal: { queueWait: '1m', headroom: 1 }, maxUpStep: 3 } };
    const { spec } = await mail({ scaling: { min: 2, goal: { headroom: 0 }, maxUpStep: null } }, { defaults });
    expect(spec).toMatchObject({ min: 2, max: 20, headroom: 0, queues: [{ waitGoalMs: 60_000 }], maxUpStep: null });
  });

  it.each([
    [true, 'on'],
    [false, 'off'],
    ['dry-run', 'dry-run'],
  ])('understands mode %s', async (mode, understood) => {
    expect((await mail({ scaling: { mode } })).spec.mode).toBe(understood);
  });

  it('has the lease under the name of the release, with its times', async () => {
    const lease = { duration: '30s', renewDeadline: '20s', retryPeriod: '4s' };
    const of = await config({ ...minimal, autoscaler: { lease } }, { release: 'shop' });
    expect(of.lease).toEqual({
      name: 'shop-celeriac-autoscaler',
      namespace: undefined,
      durationMs: 30_000,
      renewDeadlineMs: 20_000,
      retryPeriodMs: 4_000,
    });
    expect((await config({ ...minimal, fullnameOverride: 'jobs' })).lease).toMatchObject({ name: 'jobs-autoscaler' });
    expect((await config(minimal, { release: 'celeriac' })).lease).toMatchObject({ name: 'celeriac-autoscaler' });
  });

  it('names the file with the URL and never the URL, and has the options as they are', async () => {
    const broker = { url: 'redis://:secret@r', transportOptions: { globalKeyprefix: 'shop:', visibilityTimeout: 12_345_678 } };
    const of = await config({ ...minimal, broker });
    expect(of.broker).toEqual({
      source: { urlFile: '/run/secrets/celeriac/broker/url' },
      transportOptions: { globalKeyprefix: 'shop:', visibilityTimeout: 12_345_678 },
    });
  });

  it("scales a Deployment that is not the chart's, in whatever namespace, and renders nothing of it", async () => {
    const rendered = await render(withPool({ existingDeployment: { name: 'theirs', namespace: 'legacy' } }));
    expect(rendered.of('Deployment').map(({ metadata }) => metadata.name)).toEqual(['demo-celeriac-autoscaler']);
    expect(rendered.of('ServiceAccount')).toHaveLength(1);
    const { spec, target } = await mail({ existingDeployment: { name: 'theirs', namespace: 'legacy' } });
    expect(target).toMatchObject({ name: 'theirs', namespace: 'legacy' });
    // Its concurrency is the Deployment's own affair: heartbeats tell it.
    expect(spec.slotsPerReplica).toBeNull();
    expect((await mail({ existingDeployment: { name: 'theirs', namespace: 'jobs' } })).target).toMatchObject({ namespace: undefined });
  });

  it('only watches a pool that nobody scales', async () => {
    const rendered = await render(withPool({ replicas: 3, scaling: { by: 'none' } }));
    expect(rendered.one('Deployment', 'demo-celeriac-mail').spec).toMatchObject({ replicas: 3 });
    expect((await mail({ replicas: 3, scaling: { by: 'none' } })).spec.mode).toBe('off');
  });
});

describe.concurrent('a pool that KEDA scales', () => {
  const scaled = (more: Values = {}): Promise<Rendered> => render(withPool({ scaling: { by: 'keda', min: 2, max: 30 }, ...more }));

  it('is decided on and not written to, and its busy pods are protected', async () => {
    const { spec, target } = await mail({ scaling: { by: 'keda', min: 2, max: 30 }, target: { otherWriters: 'hold' } });
    expect(spec).toMatchObject({ mode: 'dry-run', min: 2, max: 30 });
    expect(target).toMatchObject({ otherWriters: 'ignore', protectBusy: true });
    expect((await scaled()).one('Deployment', 'demo-celeriac-mail').spec).not.toHaveProperty('replicas');
  });

  it('has a ScaledObject that asks the leader', async () => {
    const rendered = await scaled();
    const { spec } = rendered.one('ScaledObject', 'demo-celeriac-mail');
    expect(spec).toMatchObject({
      scaleTargetRef: { name: 'demo-celeriac-mail' },
      minReplicaCount: 2,
      maxReplicaCount: 30,
      triggers: [
        {
          type: 'metrics-api',
          metricType: 'AverageValue',
          metadata: {
            url: 'http://demo-celeriac-autoscaler-leader.jobs.svc:9810/api/keda/mail',
            valueLocation: 'replicas',
            targetValue: '1',
            activationTargetValue: '0',
          },
        },
      ],
    });
    expect(spec).not.toHaveProperty('fallback');
    const { ports = [] } = rendered.one('Service', 'demo-celeriac-autoscaler-leader').spec as { readonly ports?: readonly Values[] };
    expect(ports[0]).toMatchObject({ port: 9810 });
    // KEDA reads the numbers of a trigger as texts.
    const { triggers } = spec as { readonly triggers: readonly { readonly metadata: Values }[] };
    expect(Object.values(triggers[0]?.metadata ?? {}).filter((value) => typeof value !== 'string')).toEqual([]);
  });

  it('has its own times, fallback and annotations', async () => {
    const keda = {
      pollingInterval: 15,
      cooldownPeriod: 1_000_000,
      fallback: { failureThreshold: 3, replicas: 2 },
      advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: null, scaleDown: { policies: [] } } } },
      annotations: { 'autoscaling.keda.sh/paused': 'true' },
    };
    const { spec, metadata } = (await scaled({ keda })).one('ScaledObject', 'demo-celeriac-mail');
    expect(spec).toMatchObject({ pollingInterval: 15, cooldownPeriod: 1_000_000, fallback: { failureThreshold: 3, replicas: 2 } });
    const advanced = { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [] } } } };
    expect(spec?.['advanced']).toEqual(advanced);
    expect(metadata.annotations).toEqual({ 'autoscaling.keda.sh/paused': 'true' });
  });

  it('is none by default, and no other has a ScaledObject', async () => {
    expect((await render(minimal)).of('ScaledObject')).toEqual([]);
    const pools = { a: { queues: ['a'], scaling: { by: 'keda' } }, b: { queues: ['b'] }, c: { queues: ['c'], scaling: { by: 'none' } } };
    expect((await render({ ...minimal, pools })).of('ScaledObject').map(({ metadata }) => metadata.name)).toEqual(['demo-celeriac-a']);
  });

  it("may be a Deployment that is not the chart's", async () => {
    const rendered = await render(withPool({ existingDeployment: { name: 'theirs', namespace: 'legacy' }, scaling: { by: 'keda' } }));
    const scaledObject = rendered.one('ScaledObject', 'theirs');
    expect(scaledObject.metadata.namespace).toBe('legacy');
    expect(scaledObject.spec?.['scaleTargetRef']).toEqual({ name: 'theirs' });
  });
});
