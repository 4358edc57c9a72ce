import {
  createPoolRouter,
  type PoolFit,
  type PoolList,
  type PoolRouter,
  placeTask,
  type ReadNeeds,
  readNeeds,
  type TaskNeeds,
} from '@celeriac/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

interface PlainPool {
  readonly cpuMilli: number | null;
  readonly memoryMib: number | null;
  readonly gpus: number;
  readonly model: string | null;
  readonly slots: number | null;
  readonly zone: string | null;
  readonly image: string | null;
}

interface PlainNeeds {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpus: number;
  readonly model: string | null;
  readonly zone: string | null;
  readonly image: string | null;
}

const zones = fc.option(fc.constantFrom('a', 'b'));
const models = fc.option(fc.constantFrom('t4', 'a100'));
const images = fc.option(fc.constantFrom('app:1', 'app:2'));
const plainPool: fc.Arbitrary<PlainPool> = fc.record({
  cpuMilli: fc.option(fc.integer({ min: 1, max: 8_000 })),
  memoryMib: fc.option(fc.integer({ min: 1, max: 64_000 })),
  gpus: fc.nat({ max: 3 }),
  model: models,
  slots: fc.option(fc.integer({ min: 1, max: 7 })),
  zone: zones,
  image: images,
});
const plainNeeds: fc.Arbitrary<PlainNeeds> = fc.record({
  cpuMilli: fc.nat({ max: 4_000 }),
  memoryMib: fc.nat({ max: 32_000 }),
  gpus: fc.nat({ max: 2 }),
  model: models,
  zone: zones,
  image: images,
});

const poolsOf = (plain: readonly PlainPool[]): PoolList =>
  Object.fromEntries(
    plain.map(({ cpuMilli, memoryMib, gpus, model, slots, zone, image }, index) => [
      `p${index}`,
      {
        queues: [`q${index}`, `more${index}`],
        ...(slots !== null && { slotsPerReplica: slots }),
        size: {
          ...(cpuMilli !== null && { cpu: `${cpuMilli}m` }),
          ...(memoryMib !== null && { memory: `${memoryMib}Mi` }),
          gpu: { count: gpus, ...(model !== null && { model }) },
          ...(zone !== null && { labels: { zone } }),
          ...(image !== null && { image }),
        },
      },
    ]),
  );

/** The same amounts, written another way. */
const needsOf = ({ cpuMilli, memoryMib, gpus, model, zone, image }: PlainNeeds): ReadNeeds => {
  const needs: TaskNeeds = {
    cpu: cpuMilli / 1_000,
    memory: `${memoryMib * 1_024}Ki`,
    gpu: { count: gpus, model },
    ...(zone !== null && { labels: { zone } }),
    image,
  } as TaskNeeds;
  const read = readNeeds(needs);
  if (read.kind === 'faulty') throw new Error(read.faults.join());
  return read.needs;
};

/** What fits, said once more in whole numbers. */
const fits = (needs: PlainNeeds, pool: PlainPool): boolean => {
  const enough = (need: number, whole: number | null): boolean =>
    need === 0 || (whole !== null && (whole === 0 ? false : pool.slots !== null && need * pool.slots <= whole));
  return (
    enough(needs.cpuMilli, pool.cpuMilli) &&
    enough(needs.memoryMib, pool.memoryMib) &&
    enough(needs.gpus, pool.gpus) &&
    (needs.gpus === 0 || needs.model === null || needs.model === pool.model) &&
    (needs.zone === null || needs.zone === pool.zone) &&
    (needs.image === null || needs.image === pool.image)
  );
};

const rank = (router: PoolRouter, fit: PoolFit): number => (fit.kind === 'fits' ? router.order.indexOf(fit.pool) : router.order.length);
const some = fc.array(plainPool, { minLength: 1, maxLength: 8 });

test('picks a pool exactly where one fits, never one that does not, and says of every other what it is short of', () => {
  fc.assert(
    fc.property(some, plainNeeds, (pools, needs) => {
      const router = createPoolRouter(poolsOf(pools));
      const fit = router.fit(needsOf(needs));
      const fitting = pools.flatMap((pool, index) => (fits(needs, pool) ? [`p${index}`] : []));
      if (fit.kind === 'fits') {
        expect(fitting).toContain(fit.pool);
        expect(fit.queue).toBe(`q${fit.pool.slice(1)}`);
        expect(router.order.find((pool) => fitting.includes(pool))).toBe(fit.pool);
      } else {
        expect(fitting).toEqual([]);
        expect(fit.pools.map(({ pool }) => pool)).toEqual(router.order);
        for (const { short } of fit.pools) expect(short).not.toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('is deterministic: the same list gives the same order and the same answers', () => {
  fc.assert(
    fc.property(some, plainNeeds, (pools, needs) => {
      const [one, other] = [createPoolRouter(poolsOf(pools)), createPoolRouter(poolsOf(pools))];
      expect(other.order).toEqual(one.order);
      expect(other.fit(needsOf(needs))).toEqual(one.fit(needsOf(needs)));
      expect(one.fit(needsOf(needs))).toEqual(one.fit(needsOf(needs)));
    }),
  );
});

test('is monotone: who asks for more gets no smaller pool, and is never taken where less was refused', () => {
  fc.assert(
    fc.property(some, plainNeeds, plainNeeds, (pools, needs, more) => {
      const router = createPoolRouter(poolsOf(pools));
      const greater = {
        ...needs,
        cpuMilli: needs.cpuMilli + more.cpuMilli,
        memoryMib: needs.memoryMib + more.memoryMib,
        gpus: needs.gpus + more.gpus,
      };
      expect(rank(router, router.fit(needsOf(greater)))).toBeGreaterThanOrEqual(rank(router, router.fit(needsOf(needs))));
    }),
    { numRuns: 500 },
  );
});

test('the order has every pool once; a pool with GPUs is never before one without; more of everything is never before less', () => {
  fc.assert(
    fc.property(some, (pools) => {
      const { order } = createPoolRouter(poolsOf(pools));
      expect([...order].sort()).toEqual(pools.map((_, index) => `p${index}`).sort());
      const ordered = order.map((pool) => pools[Number(pool.slice(1))] as PlainPool);
      const firstWith = ordered.findIndex(({ gpus }) => gpus > 0);
      if (firstWith >= 0) expect(ordered.slice(firstWith).every(({ gpus }) => gpus > 0)).toBe(true);
      for (const [at, smaller] of ordered.entries()) {
        for (const larger of ordered.slice(at + 1)) {
          if (smaller.slots === null || larger.slots === null) continue;
          if (smaller.cpuMilli === null || smaller.memoryMib === null || larger.cpuMilli === null || larger.memoryMib === null) continue;
          const less =
            larger.gpus * smaller.slots <= smaller.gpus * larger.slots &&
            larger.cpuMilli * smaller.slots < smaller.cpuMilli * larger.slots &&
            larger.memoryMib * smaller.slots < smaller.memoryMib * larger.slots;
          expect(less).toBe(false);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a pool more never leads to a refusal', () => {
  fc.assert(
    fc.property(some, plainPool, plainNeeds, (pools, another, needs) => {
      const before = createPoolRouter(poolsOf(pools)).fit(needsOf(needs));
      const after = createPoolRouter(poolsOf([...pools, another])).fit(needsOf(needs));
      if (before.kind === 'fits') expect(after.kind).toBe('fits');
    }),
  );
});

test('placing is total: whatever the needs are, there is a route or a refusal with a code', () => {
  const written = fc.oneof(
    fc.anything(),
    fc.record(
      { cpu: fc.anything(), memory: fc.anything(), gpu: fc.anything(), labels: fc.anything(), pool: fc.anything() },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(some, written, fc.option(fc.constantFrom('q0', 'more0', 'other'), { nil: undefined }), (pools, needs, queue) => {
      const options = queue === undefined ? {} : { queue };
      const placed = placeTask('t', options, needs as TaskNeeds, {}, createPoolRouter(poolsOf(pools)));
      if (placed.kind === 'refused') expect(placed.error.code).toMatch(/^CELERIAC_E_(NO_POOL_FITS|ARGUMENTS)$/);
      else expect(placed.route.queue).toMatch(queue === undefined ? /^(celery|q\d)$/ : queue);
    }),
    { numRuns: 500 },
  );
});

test('reading needs and lists is total: anything is read or refused', () => {
  fc.assert(
    fc.property(fc.anything(), (written) => {
      const read = readNeeds(written);
      if (read.kind === 'faulty') expect(read.faults).not.toEqual([]);
      expect(() => createPoolRouter(written as PoolList)).toThrow(/CELERIAC_E_CONFIG: pools: /);
      expect(() => createPoolRouter({ p: written } as PoolList)).toThrow(/CELERIAC_E_CONFIG: pools: p/);
      expect(() => createPoolRouter({ p: { queues: ['q'], size: [written] } } as unknown as PoolList)).toThrow(
        /CELERIAC_E_CONFIG: pools: p/,
      );
    }),
  );
});
