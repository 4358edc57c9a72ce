import type { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Labels and their values, in the order of the metric. */
export type Labels = Readonly<Record<string, string>>;

/** A metric that is written anew at each scrape: what is not set again is gone. */
export interface Written {
  set(labels: Labels, value: number): void;
}

/** Makes metrics of one registry. */
export interface MetricMakers {
  /** A gauge, emptied before each scrape and behind it. */
  gauge(name: string, help: string, labelNames: readonly string[]): Written;
  /** A counter whose totals are kept elsewhere. */
  counter(name: string, help: string, labelNames: readonly string[]): Written;
  /** A histogram, kept here. */
  histogram(name: string, help: string, labelNames: readonly string[], buckets: readonly number[]): Histogram;
  /** The text of one scrape; `write` sets every gauge and counter. */
  scrape(write: () => void): Promise<string>;
  readonly contentType: string;
}

/** Makers over prom-client, which is loaded by whoever calls this. */
export function createMetricMakers(prom: typeof import('prom-client')): MetricMakers {
  const registry: Registry = new prom.Registry();
  const registers = [registry];
  const written: (Gauge | Counter)[] = [];
  const empty = (): void => {
    for (const metric of written) metric.reset();
  };
  let scraping: Promise<unknown> = Promise.resolve();
  return {
    contentType: registry.contentType,
    gauge(name, help, labelNames) {
      const gauge = new prom.Gauge({ name, help, labelNames, registers });
      written.push(gauge);
      return { set: (labels, value) => gauge.set(labels, value) };
    },
    counter(name, help, labelNames) {
      const counter = new prom.Counter({ name, help, labelNames, registers });
      written.push(counter);
      return { set: (labels, value) => counter.inc(labels, value) };
    },
    histogram: (name, help, labelNames, buckets) => new prom.Histogram({ name, help, labelNames, buckets: [...buckets], registers }),
    scrape(write) {
      // Two at a time would count everything twice.
      const text = scraping.then(async () => {
        empty();
        write();
        try {
          return await registry.metrics();
        } finally {
          // Between scrapes a thousand pools would cost megabytes for nothing.
          empty();
        }
      });
      scraping = text.catch(() => {});
      return text;
    },
  };
}
