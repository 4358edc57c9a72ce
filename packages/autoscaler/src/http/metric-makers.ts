import type { MetricDeclaration, MetricTable } from '@celeriac/brokers';
import type { Counter, Histogram, Registry } from 'prom-client';

/** Labels and their values, in the order of the metric. */
export type Labels<Name extends string = string> = Readonly<Record<Name, string>>;

/** A metric that is written anew at each scrape: what is not set again is gone. */
export interface Written<Label extends string = string> {
  /** Once per series in a scrape. */
  set(labels: Labels<Label>, value: number): void;
}

/** What is made of a declaration: gauges and counters are written at each scrape from what is kept elsewhere, histograms are kept here. */
export type Made<D extends MetricDeclaration> = D['type'] extends 'histogram'
  ? Histogram<D['labels'][number]>
  : Written<D['labels'][number]>;

/** Makes metrics of one registry. */
export interface MetricMakers {
  /** Makes all metrics of a table, under the names the table has for them. */
  make<T extends MetricTable>(table: T): { readonly [Key in keyof T]: Made<T[Key]> };
  /** The text of one scrape; `write` sets every gauge and counter. */
  scrape(write: () => void): Promise<string>;
  readonly contentType: string;
}

/** What prom-client's registry asks of a metric. Its own gauges keep an index of their series, which cost more than all else at a thousand pools. */
interface WrittenMetric {
  readonly name: string;
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: 'gauge' | 'counter';
    readonly values: readonly { readonly labels: Labels; readonly value: number }[];
    readonly aggregator: 'sum';
  }>;
}

/** Makers over prom-client, which is loaded by whoever calls this. */
export function createMetricMakers(prom: typeof import('prom-client')): MetricMakers {
  const registry: Registry = new prom.Registry();
  const written: { values: { readonly labels: Labels; readonly value: number }[] }[] = [];
  const write = (type: 'gauge' | 'counter', { name, help }: MetricDeclaration): Written => {
    const kept: (typeof written)[number] = { values: [] };
    written.push(kept);
    const metric: WrittenMetric = { name, get: () => Promise.resolve({ name, help, type, values: kept.values, aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Counter);
    return { set: (labels, value) => void kept.values.push({ labels, value }) };
  };
  const keep = ({ name, help, labels, buckets = [] }: MetricDeclaration): Histogram =>
    new prom.Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
  const makeOne = (declared: MetricDeclaration): Histogram | Written =>
    declared.type === 'histogram' ? keep(declared) : write(declared.type, declared);
  const empty = (): void => {
    for (const kept of written) kept.values = [];
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
      const text = scraping.then(async () => {
        empty();
        writeAll();
        try {
          return await registry.metrics();
        } finally {
          empty();
        }
      });
      scraping = text.catch(() => {});
      return text;
    },
  };
}
