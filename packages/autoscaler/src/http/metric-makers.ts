import type { Counter, Histogram, Registry } from 'prom-client';

/** Labels and their values, in the order of the metric. */
export type Labels = Readonly<Record<string, string>>;

/** A metric that is written anew at each scrape: what is not set again is gone. */
export interface Written {
  set(labels: Labels, value: number): void;
}

/** Makes metrics of one registry. */
export interface MetricMakers {
  /** A gauge; each of its series is set once in a scrape. */
  gauge(name: string, help: string): Written;
  /** A counter whose totals are kept elsewhere. */
  counter(name: string, help: string): Written;
  /** A histogram, kept here. */
  histogram(name: string, help: string, labelNames: readonly string[], buckets: readonly number[]): Histogram;
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
  const make = (type: 'gauge' | 'counter', name: string, help: string): Written => {
    const kept: (typeof written)[number] = { values: [] };
    written.push(kept);
    const metric: WrittenMetric = { name, get: () => Promise.resolve({ name, help, type, values: kept.values, aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Counter);
    return { set: (labels, value) => void kept.values.push({ labels, value }) };
  };
  const empty = (): void => {
    for (const kept of written) kept.values = [];
  };
  let scraping: Promise<unknown> = Promise.resolve();
  return {
    contentType: registry.contentType,
    gauge: (name, help) => make('gauge', name, help),
    counter: (name, help) => make('counter', name, help),
    histogram: (name, help, labelNames, buckets) =>
      new prom.Histogram({ name, help, labelNames, buckets: [...buckets], registers: [registry] }),
    scrape(write) {
      // Two at a time would write everything twice.
      const text = scraping.then(async () => {
        empty();
        write();
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
