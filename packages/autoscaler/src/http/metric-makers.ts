import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricDeclaration, MetricTable } from '@celeriac/brokers';
import type { Counter, Registry } from 'prom-client';
import { type HistogramLine, KeptHistogram, type Labels } from './kept-histogram.ts';

/** A metric that is written anew at each scrape: what is not set again is gone. */
export interface Written<Label extends string = string> {
  /** Once per series in a scrape. */
  set(labels: Labels<Label>, value: number): void;
}

/** What is made of a declaration: gauges and counters are written at each scrape from what is kept elsewhere, histograms are kept here. */
export type Made<D extends MetricDeclaration> = D['type'] extends 'histogram'
  ? KeptHistogram<D['labels'][number]>
  : Written<D['labels'][number]>;

/** Makes metrics of one registry. */
export interface MetricMakers {
  /** Makes all metrics of a table, under the names the table has for them. */
  make<T extends MetricTable>(table: T): { readonly [Key in keyof T]: Made<T[Key]> };
  /** The text of one scrape, a piece for each metric, made with time for other work in between; `write` sets every gauge and counter. */
  scrape(write: () => void): Promise<readonly string[]>;
  readonly contentType: string;
}

type Values = readonly ({ readonly labels: Labels; readonly value: number } | HistogramLine)[];

/** What prom-client's registry asks of a metric. Its own gauges keep an index of their series, which cost more than all else at a thousand pools. */
interface OwnMetric {
  readonly name: string;
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: 'gauge' | 'counter' | 'histogram';
    readonly values: Values;
    readonly aggregator: 'sum';
  }>;
}

/** Makers over prom-client, which is loaded by whoever calls this. */
export function createMetricMakers(prom: typeof import('prom-client')): MetricMakers {
  const registry: Registry = new prom.Registry();
  const written = new Map<string, { values: { readonly labels: Labels; readonly value: number }[] }>();
  const register = ({ name, help }: MetricDeclaration, type: 'gauge' | 'counter' | 'histogram', values: () => Values): void => {
    const metric: OwnMetric = { name, get: () => Promise.resolve({ name, help, type, values: values(), aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Counter);
  };
  const write = (type: 'gauge' | 'counter', declared: MetricDeclaration): Written => {
    const kept: { values: { readonly labels: Labels; readonly value: number }[] } = { values: [] };
    written.set(declared.name, kept);
    register(declared, type, () => kept.values);
    return { set: (labels, value) => void kept.values.push({ labels, value }) };
  };
  const keep = (declared: MetricDeclaration): KeptHistogram => {
    const kept = new KeptHistogram(declared);
    register(declared, 'histogram', () => kept.lines());
    return kept;
  };
  const makeOne = (declared: MetricDeclaration): KeptHistogram | Written =>
    declared.type === 'histogram' ? keep(declared) : write(declared.type, declared);
  const empty = (): void => {
    for (const kept of written.values()) kept.values = [];
  };
  const pieces = async (): Promise<readonly string[]> => {
    const texts: string[] = [];
    for (const { name } of registry.getMetricsAsArray()) {
      // Thousands of pools make megabytes of it: one metric's lines are gone before the next are made, and nobody waits for all of them.
      if (texts.length > 0) await nextTurn();
      texts.push(`${texts.length > 0 ? '\n' : ''}${await registry.getSingleMetricAsString(name)}\n`);
      const kept = written.get(name);
      if (kept !== undefined) kept.values = [];
    }
    return texts;
  };
  let scraping: Promise<unknown> = Promise.resolve();
  return {
    contentType: registry.contentType,
    make<T extends MetricTable>(table: T) {
      return Object.fromEntries(Object.entries(table).map(([key, declared]) => [key, makeOne(declared)])) as {
        readonly [Key in keyof T]: Made<T[Key]>;
      };
    },
    scrape(writeAll) {
      // Two at a time would write everything twice.
      const texts = scraping.then(async () => {
        empty();
        writeAll();
        try {
          return await pieces();
        } finally {
          empty();
        }
      });
      // not the texts themselves, which would be kept until the next scrape
      scraping = texts.then(
        () => {},
        () => {},
      );
      return texts;
    },
  };
}
