// What the chart takes, the autoscaler takes: whatever the values are, an installation does not end in an autoscaler that refuses its file.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { minimal } from './minimal.ts';
import { poolsConfig } from './pools-config.ts';
import { render, type Values } from './render.ts';

const DOCUMENTS = 40;
const POOLS_AT_MOST = 2;

const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined, freq: 2 });
const rarely = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: of });
const duration = fc
  .tuple(fc.constantFrom(1, 2.5, 30, 400), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
  .map(([number, unit]) => `${number}${unit}`);
const few = fc.constantFrom(0, 1, 2, 3, 4);
const many = fc.constantFrom(3, 4, 10, 11, 100_000);
const cores = fc.constantFrom<string | number>('500m', '1e1', 2, 0.25, '0', '.5', '1e-3', '2k');
const bytes = fc.constantFrom<string | number>('4Gi', '1.5G', '1e9', '12Ki', '3E', 1_000_000_000_000, '2e+9');

/** A pool whose queue has its own name; some are wrong on purpose. */
const pool = fc.record(
  {
    concurrency: maybe(fc.constantFrom(1, 4, 10_000)),
    scaling: maybe(
      fc.record(
        {
          by: maybe(fc.constantFrom('celeriac', 'keda', 'none')),
          mode: maybe(fc.constantFrom<string | boolean>(true, false, 'on', 'off', 'dry-run', 'up-only')),
          paused: maybe(fc.constantFrom<string | boolean>(true, false, 'in', 'out')),
          replicas: maybe(many),
          min: maybe(few),
          max: maybe(many),
          goal: maybe(fc.record({ queueWait: duration, headroom: fc.constantFrom(0, 0.5, 10) }, { requiredKeys: [] })),
          idleToZero: maybe(duration),
          keepWarm: maybe(fc.constantFrom(0, 1.5, 1_000)),
          downDelay: maybe(duration),
          fallback: maybe(fc.record({ replicas: few, after: duration }, { requiredKeys: ['replicas'] })),
          schedules: maybe(
            fc.array(
              fc.record(
                { from: fc.constant('0 8 * * *'), to: fc.constant('0 18 * * *'), min: few, max: many },
                { requiredKeys: ['from', 'to'] },
              ),
              { maxLength: 2 },
            ),
          ),
          maxUpStep: maybe(fc.constantFrom(1, 50)),
          maxPending: maybe(fc.constantFrom(1, 50)),
        },
        { requiredKeys: [] },
      ),
    ),
    size: maybe(fc.record({ cpu: cores, memory: bytes, gpu: fc.constantFrom(0, 1, 8) }, { requiredKeys: [] })),
    budget: maybe(fc.record({ from: fc.constant('all'), tier: few, weight: fc.constantFrom(0.01, 1, 1_000) }, { requiredKeys: ['from'] })),
    target: maybe(
      fc.record(
        { otherWriters: fc.constantFrom('hold', 'ignore'), startTimeout: duration, minGracePeriod: duration },
        { requiredKeys: [] },
      ),
    ),
    existingDeployment: rarely(
      fc.record({ name: fc.constantFrom('theirs', 'a.b'), namespace: fc.constant('legacy') }, { requiredKeys: ['name'] }),
    ),
  },
  { requiredKeys: [] },
);

/** Without what is undefined, as YAML has it. */
const plain = (value: unknown): Values => JSON.parse(JSON.stringify(value)) as Values;

it('whatever they are', { timeout: 600_000 }, async () => {
  const lists = fc.sample(fc.array(pool, { minLength: 1, maxLength: POOLS_AT_MOST }), { numRuns: DOCUMENTS, seed: 7 });
  let taken = 0;
  await Promise.all(
    lists.map(async (pools) => {
      const named = Object.fromEntries(pools.map((of, index) => [`p${index}`, { queues: [`q${index}`], ...of }]));
      const values = plain({ ...minimal, pools: named, budgets: { all: { replicas: 100_000 } } });
      const rendered = await render(values).catch(() => undefined);
      if (rendered === undefined) return;
      taken += 1;
      const { pools: read } = await poolsConfig(rendered).catch((error: unknown) => {
        throw new Error(`taken by Helm, refused by the autoscaler: ${JSON.stringify(values['pools'])}`, { cause: error });
      });
      expect(read).toHaveLength(pools.length);
    }),
  );
  expect(taken).toBeGreaterThan(lists.length / 2);
  expect(taken).toBeLessThan(lists.length);
});
