import {
  createPoolRouter,
  mergeNeeds,
  type PoolList,
  placeTask,
  type RouteOptions,
  type RoutingConfig,
  readNeeds,
  replicaSize,
  type TaskNeeds,
} from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

const POOLS: PoolList = {
  'gpu-small': { queues: ['gpu'], slotsPerReplica: 1, size: { cpu: 4, memory: '8Gi', gpu: { count: 1, model: 't4' }, image: 'ml:2' } },
  large: { queues: ['large', 'reports'], slotsPerReplica: 2, size: { cpu: 16, memory: '64Gi', labels: { zone: 'a', disk: 'ssd' } } },
  small: { queues: ['small', 'emails'], slotsPerReplica: 4, size: { cpu: 2, memory: '8Gi', image: 'app:7' } },
};
const router = createPoolRouter(POOLS);

/** The queue, or the refusal's text. */
const place = (needs: TaskNeeds, options: RouteOptions = {}, config: RoutingConfig = {}): string => {
  const placed = placeTask('ml.train', options, needs, config, router);
  return placed.kind === 'route' ? placed.route.queue : placed.error.message;
};
const refusal = (needs: unknown, options: RouteOptions = {}) => {
  const placed = placeTask('ml.train', options, needs as TaskNeeds, {}, router);
  if (placed.kind === 'route') throw new Error(`not refused: ${placed.route.queue}`);
  return placed.error;
};

describe('placeTask', () => {
  test.each<[string, TaskNeeds, string]>([
    ['a slot of the smallest is enough', { cpu: '500m', memory: '2Gi' }, 'small'],
    ['a byte more than its slot is not', { memory: 2 * 2 ** 30 + 1 }, 'large'],
    ['half of the large replica', { cpu: 8, memory: '32Gi' }, 'large'],
    ['a GPU', { gpu: 1, memory: '8Gi' }, 'gpu'],
    ['a share of a GPU', { gpu: 0.5 }, 'gpu'],
    ['of a model', { gpu: { model: 't4' } }, 'gpu'],
    ['an image', { image: 'app:7' }, 'small'],
    ['a pattern of an image', { image: 'ml:*' }, 'gpu'],
    ['a label', { labels: { zone: 'a' } }, 'large'],
    ['a pool by name', { pool: 'large', memory: '1Gi' }, 'large'],
    ['nothing: as ever', {}, 'celery'],
    ['nothing in so many words', { cpu: 0, gpu: 0, memory: null, labels: {} }, 'celery'],
  ])('%s', (_what, needs, queue) => {
    expect(place(needs)).toBe(queue);
  });

  test('the order: without GPUs before with, then by the dominant share of what a task may use', () => {
    expect(router.order).toEqual(['small', 'large', 'gpu-small']);
  });

  test('of cpu and memory the one that is the larger part of the most decides', () => {
    const pool = (cpu: number, memory: string) => ({ queues: [`${cpu}${memory}`], slotsPerReplica: 1, size: { cpu, memory } });
    const pools = { most: pool(8, '64Gi'), memory: pool(1, '32Gi'), cpu: pool(2, '8Gi') };
    expect(createPoolRouter(pools).order).toEqual(['cpu', 'memory', 'most']);
  });

  test('what no pool declares tells none from another', () => {
    const pool = (queue: string, cpu: number) => ({ queues: [queue], slotsPerReplica: 1, size: { cpu } });
    expect(createPoolRouter({ four: pool('a', 4), one: pool('b', 1) }).order).toEqual(['one', 'four']);
  });

  test('ties go to the pool that is declared first; what is not declared counts as most', () => {
    const size = { cpu: 1, memory: '1Gi' };
    const pools = { b: { queues: ['b'], slotsPerReplica: 1, size }, a: { queues: ['a'], slotsPerReplica: 1, size }, c: { queues: ['c'] } };
    expect(createPoolRouter(pools).order).toEqual(['b', 'a', 'c']);
    expect(createPoolRouter({ c: pools.c, a: pools.a, b: pools.b }).order).toEqual(['a', 'b', 'c']);
  });

  test('what fits nowhere is refused with every pool and what it is short of', () => {
    const error = refusal({ cpu: 4, memory: '16Gi', gpu: { count: 1, model: 'a100' } });
    expect(error.code).toBe('CELERIAC_E_NO_POOL_FITS');
    expect(error.message).toBe(
      'CELERIAC_E_NO_POOL_FITS: ml.train was not sent: it needs cpu 4, memory 16Gi, gpu 1, gpu model a100, and no pool has that: ' +
        'small: cpu 500m (2 in 4 slots) < 4, memory 2Gi (8Gi in 4 slots) < 16Gi, gpu 0 < 1; ' +
        'large: gpu 0 < 1; gpu-small: memory 8Gi < 16Gi, gpu model t4, needs a100. ' +
        'Ask for less, or give a pool what is short.',
    );
    expect(error.data).toMatchObject({ task: 'ml.train', pools: [{ pool: 'small' }, { pool: 'large' }, { pool: 'gpu-small' }] });
    expect(refusal({ labels: { zone: 'b' }, image: 'x' }).message).toContain(
      'large: image not declared, needs x, label zone=a, needs b; gpu-small: image ml:2, needs x, no label zone=b',
    );
  });

  test('a pool that is named must be there and fit', () => {
    expect(place({ pool: 'gpux' })).toContain('it needs pool gpux, and there is no such pool; there are small, large, gpu-small.');
    expect(place({ pool: 'small', cpu: 1 })).toContain('no pool has that: small: cpu 500m (2 in 4 slots) < 1. ');
    expect(place({ pool: 'toString' })).toContain('no such pool');
  });

  test('a stated queue wins, by the call or by a route, if its pool has what is needed', () => {
    expect(place({ cpu: '100m' }, { queue: 'reports' })).toBe('reports');
    expect(place({ cpu: '100m' }, { routingKey: 'emails' })).toBe('small'); // a routing key alone names no queue of a direct exchange
    expect(place({ cpu: '100m' }, {}, { taskRoutes: { 'ml.*': 'reports' } })).toBe('reports');
    expect(place({ cpu: 1 }, { queue: 'emails' })).toBe(
      'CELERIAC_E_NO_POOL_FITS: ml.train was not sent: it needs cpu 1, and its queue was stated: emails, of pool small: ' +
        'cpu 500m (2 in 4 slots) < 1. Without a queue it goes to the smallest pool that fits.',
    );
    expect(place({ cpu: 1 }, {}, { taskRoutes: { 'ml.*': 'small' } })).toContain('its queue was stated: small');
    expect(place({ pool: 'large' }, { queue: 'small' })).toContain('it is not pool large');
    expect(place({ pool: 'large' }, { queue: 'elsewhere' })).toContain('elsewhere, of no pool: it is not pool large');
  });

  test('a queue of no pool, and an exchange, are not judged', () => {
    expect(place({ cpu: 64 }, { queue: 'elsewhere' })).toBe('elsewhere');
    expect(place({ cpu: 64 }, { exchange: 'media', routingKey: 'small' })).toBe('small');
  });

  test('the queue of a pool may have an exchange of its own', () => {
    const placed = placeTask(
      't',
      {},
      { cpu: 1 },
      { taskQueues: { large: { exchangeType: 'topic', exchange: 'x', routingKey: 'k' } } },
      router,
    );
    expect(placed).toEqual({ kind: 'route', route: { exchange: 'x', routingKey: 'k', queue: 'large' } });
  });

  test('what one task may use: perTask where it is stated, else a slot; unknown where neither says', () => {
    const one = (pool: PoolList[string], needs: TaskNeeds): string => {
      const placed = placeTask('t', {}, needs, {}, createPoolRouter({ one: pool }));
      return placed.kind === 'route' ? 'fits' : placed.error.message;
    };
    const size = { cpu: 4, memory: '16Gi', gpu: 1, perTask: { memory: '12Gi' } };
    const pool = { queues: ['q'], slotsPerReplica: 4, size };
    expect(one(pool, { memory: '12Gi', cpu: 1 })).toBe('fits');
    expect(one(pool, { memory: '12.5Gi' })).toContain('one: memory 12Gi < 12.5Gi');
    expect(one(pool, { cpu: '1001m' })).toContain('one: cpu 1 (4 in 4 slots) < 1001m');
    expect(one(pool, { gpu: 1 })).toContain('one: gpu 0.25 (1 in 4 slots) < 1');
    expect(one(pool, { gpu: 0.25 })).toBe('fits');
    expect(one({ queues: ['q'], size }, { memory: '12Gi' })).toBe('fits');
    expect(one({ queues: ['q'], size }, { cpu: '1m' })).toContain('one: cpu per task unknown without slotsPerReplica, needs 1m');
    expect(one({ queues: ['q'] }, { cpu: '1m' })).toContain('one: cpu not declared, needs 1m');
    expect(one({ queues: ['q'], slotsPerReplica: 3, size: { cpu: 1 } }, { cpu: '333333333n' })).toBe('fits');
    expect(one({ queues: ['q'], slotsPerReplica: 3, size: { cpu: 1 } }, { cpu: '333333334n' })).toContain(
      'cpu 333m (1 in 3 slots) < 333333334n',
    );
  });

  test.each<[unknown, string]>([
    ['much', 'needs are an object'],
    [{ memroy: '1Gi' }, 'memroy: unknown; known are cpu, memory, gpu, image, labels, pool'],
    [{ memory: '4GB' }, 'memory: "4GB" is not a quantity; write 4G for powers of 1,000'],
    [{ cpu: -1, gpu: 'two' }, 'gpu: a number of devices is needed, or { count, model }; cpu: -1 is negative'],
    [{ gpu: { cout: 1 } }, 'gpu.cout: unknown'],
    [{ labels: { zone: 1 } }, 'labels.zone: text is needed'],
    [{ labels: ['zone'], pool: '' }, 'labels: an object of names to values is needed; pool: text is needed'],
  ])('needs that cannot be read are refused: %o', (needs, text) => {
    const error = refusal(needs);
    expect(error.code).toBe('CELERIAC_E_ARGUMENTS');
    expect(error.message).toContain('ml.train was not sent: resources: ');
    expect(error.message).toContain(text);
  });
});

describe('createPoolRouter', () => {
  test('refuses a list with every fault and its place', () => {
    const faulty = {
      a: { queues: [], slotsPerReplica: 0 },
      b: { queues: ['q', 'q'], size: { memory: '4GB', perTask: { disk: 1 }, labels: { zone: 1 } } },
      c: { queues: ['q'], slotsPerReplica: 1, size: { cpu: 1, gpu: 1.5, perTask: { cpu: 2 } } },
    } as unknown as PoolList;
    let text = '';
    try {
      createPoolRouter(faulty);
    } catch (error) {
      text = (error as Error).message;
    }
    for (const fault of [
      'CELERIAC_E_CONFIG: pools: ',
      'a.queues: a list of at least one queue is needed',
      'a.slotsPerReplica: a whole number from 1 is needed',
      'b.size.memory: "4GB" is not a quantity',
      'b.size.perTask.disk: unknown; known are cpu, memory, gpu',
      'b.size.labels.zone: text is needed',
      'b.queues: q belongs to it already',
      'c.queues: q belongs to pool b already',
      'c.size.gpu: a whole number of devices is needed',
      'c.size.perTask.cpu: 2 is more than the 1 of a replica',
    ])
      expect(text).toContain(fault);
    expect(() => createPoolRouter({})).toThrow('pools: there is none');
  });
});

describe('mergeNeeds', () => {
  test('later needs win field by field, labels label by label; null takes back, absent says nothing', () => {
    const fixed: TaskNeeds = { cpu: 1, memory: '1Gi', gpu: 1, labels: { zone: 'a', disk: 'ssd' } };
    expect(mergeNeeds(undefined, undefined)).toBeUndefined();
    expect(mergeNeeds(fixed, undefined)).toBe(fixed);
    expect(mergeNeeds(fixed, { memory: '8Gi', cpu: undefined, gpu: null, labels: { zone: 'b' }, pool: 'large' })).toEqual({
      cpu: 1,
      memory: '8Gi',
      gpu: null,
      labels: { zone: 'b', disk: 'ssd' },
      pool: 'large',
    });
    const merged = readNeeds(mergeNeeds(fixed, { labels: { disk: null } }));
    expect(merged).toMatchObject({ kind: 'needs', needs: { labels: [['zone', 'a']], text: 'cpu 1, memory 1Gi, gpu 1, label zone=a' } });
    expect(readNeeds(mergeNeeds(fixed, { labels: null }))).toMatchObject({ needs: { labels: [] } });
  });
});

test('replicaSize gives numbers for sums', () => {
  expect(replicaSize({ cpu: '1500m', memory: '4Gi', gpu: { model: 't4' } })).toEqual({ cpuCores: 1.5, memoryBytes: 2 ** 32, gpus: 1 });
  expect(replicaSize(undefined)).toEqual({ cpuCores: null, memoryBytes: null, gpus: 0 });
});
