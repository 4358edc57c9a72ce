import { text as textOf } from 'node:stream/consumers';
import prom from 'prom-client';
import { expect, it } from 'vitest';
import { createMetricMakers } from '../../src/http/metric-makers.ts';

const gauge = { type: 'gauge', unit: '', help: 'One of two.', labels: [] } as const;
const page = (value: number): string => {
  const part = (name: string): string => `# HELP ${name} One of two.\n# TYPE ${name} gauge\n${name} ${value}\n`;
  return `${part('first')}\n${part('second')}`;
};

function twoGauges() {
  const makers = createMetricMakers(prom);
  const { first, second } = makers.make({ first: { ...gauge, name: 'first' }, second: { ...gauge, name: 'second' } });
  const scrape = (value: () => number): AsyncGenerator<string, void> =>
    makers.scrape(() => {
      first.set({}, value());
      second.set({}, value());
    });
  return scrape;
}

it('a scrape shows one moment, and leaves time for other work while its text is made', async () => {
  const scrape = twoGauges();
  let value = 1;
  setImmediate(() => {
    value = 2;
  });
  const text = await textOf(scrape(() => value));
  expect(value).toBe(2);
  expect(text).toBe(page(1));
});

it('a scrape that begins while another is read, or was given up, shows its own moment', async () => {
  const scrape = twoGauges();
  const early = scrape(() => 1);
  const begun = String((await early.next()).value);
  const givenUp = scrape(() => 7);
  await givenUp.next();
  await givenUp.return();
  const late = await textOf(scrape(() => 2));
  expect(begun + (await textOf(early))).toBe(page(1));
  expect(late).toBe(page(2));
});
