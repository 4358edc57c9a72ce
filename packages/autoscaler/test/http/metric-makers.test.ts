import prom from 'prom-client';
import { expect, it } from 'vitest';
import { createMetricMakers } from '../../src/http/metric-makers.ts';

it('a scrape shows one moment, and leaves time for other work while its text is made', async () => {
  const makers = createMetricMakers(prom);
  const gauge = { type: 'gauge', unit: '', help: 'One of two.', labels: [] } as const;
  const made = makers.make({ first: { ...gauge, name: 'first' }, second: { ...gauge, name: 'second' } });
  let value = 1;
  setImmediate(() => {
    value = 2;
  });
  const pieces = await makers.scrape(() => {
    made.first.set({}, value);
    made.second.set({}, value);
  });
  expect(value).toBe(2);
  const head = (name: string): string => `# HELP ${name} One of two.\n# TYPE ${name} gauge\n`;
  expect(pieces.join('')).toBe(`${head('first')}first 1\n\n${head('second')}second 1\n`);
});
