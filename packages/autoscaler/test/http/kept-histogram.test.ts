import { text as textOf } from 'node:stream/consumers';
import type { MetricDeclaration } from '@celeriac/brokers';
import fc from 'fast-check';
import prom from 'prom-client';
import { expect, it } from 'vitest';
import { createMetricMakers } from '../../src/http/metric-makers.ts';

const pool = fc.constantFrom('web', 'mail "x"', 'a,b', '["');
const act = fc.oneof(
  fc.record({
    kind: fc.constant('observe' as const),
    pool,
    value: fc.oneof(fc.integer({ min: 0, max: 700 }), fc.double({ min: 0, max: 9, noNaN: true })),
  }),
  fc.record({ kind: fc.constantFrom('zero' as const, 'remove' as const), pool }),
);

it.each<[string, MetricDeclaration['labels']]>([
  ['with labels', ['pool', 'other']],
  ['without labels', []],
])("a histogram %s is shown as prom-client's own is", async (_, labels) => {
  const declared = {
    name: 'work_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Of work.',
    labels,
    buckets: [0.25, 1, 5, 600],
  } as const;
  const given = (name: string): Record<string, string> => (labels.length === 0 ? {} : { pool: name, other: 'same' });
  await fc.assert(
    fc.asyncProperty(fc.array(act), async (acts) => {
      const makers = createMetricMakers(prom);
      const { ours } = makers.make({ ours: declared });
      const registry = new prom.Registry();
      const { name, help, buckets } = declared;
      const theirs = new prom.Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
      for (const one of acts) {
        if (one.kind === 'observe') {
          ours.observe(given(one.pool), one.value);
          theirs.observe(given(one.pool), one.value);
        } else if (labels.length > 0) {
          ours[one.kind](given(one.pool));
          theirs[one.kind](given(one.pool));
        }
      }
      expect(await textOf(makers.scrape(() => {}))).toBe(await registry.metrics());
    }),
  );
});

it('a histogram has no series after a reset, but for the one without labels', async () => {
  const makers = createMetricMakers(prom);
  const made = makers.make({
    every: { name: 'every_seconds', type: 'histogram', unit: 'seconds', help: 'All.', labels: [], buckets: [1] },
    each: { name: 'each_seconds', type: 'histogram', unit: 'seconds', help: 'Each.', labels: ['pool'], buckets: [1] },
  });
  made.every.observe({}, 0.5);
  made.each.observe({ pool: 'web' }, 0.5);
  made.every.reset();
  made.each.reset();
  const text = await textOf(makers.scrape(() => {}));
  expect(text).toContain('every_seconds_count 0\n');
  expect(text).not.toContain('each_seconds_count');
});
