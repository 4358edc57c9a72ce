import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricDeclaration, MetricTable } from '@celeriac/brokers';
import type { Counter, Registry } from 'prom-client';
import { createKeptHistogram, type HistogramLine, type KeptHistogram, type Labels } from './kept-histogram.ts';

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
  /**
   * The text of one scrape, a piece for each metric as it is asked for, with time for other work in between. `write` sets every gauge and
   * counter, all at once when the first piece is asked for.
   */
  scrape(write: () => void): AsyncGenerator<string, void>;
  readonly contentType: string;
}

interface Line {
  readonly labels: Labels;
  readonly value: number;
}

/** What prom-client's registry asks of a metric. Its own gauges keep an index of their series, which cost more than all else at a thousand pools. */
interface OwnMetric {
  readonly name: string;
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: MetricDeclaration['type'];
    readonly values: readonly (Line | HistogramLine)[];
    readonly aggregator: 'sum';
  }>;
}

/** Makers over prom-client, which is loaded by whoever calls this. */
export function createMetricMakers(prom: typeof import('prom-client')): MetricMakers {
  const registry: Registry = new prom.Registry();
  // what the scrape that is being worked at has written, by metric
  let sheet = new Map<string, Line[]>();
  const register = ({ name, help, type }: MetricDeclaration, lines: () => readonly (Line | HistogramLine)[]): void => {
    const metric: OwnMetric = { name, get: () => Promise.resolve({ name, help, type, values: lines(), aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Counter);
  };
  const write = (declared: MetricDeclaration): Written => {
    const { name } = declared;
    register(declared, () => sheet.get(name) ?? []);
    return {
      set(labels, value) {
        const lines = sheet.get(name);
        if (lines === undefined) sheet.set(name, [{ labels, value }]);
        else lines.push({ labels, value });
      },
    };
  };
  const keep = (declared: MetricDeclaration): KeptHistogram => {
    const kept = createKeptHistogram(declared);
    register(declared, () => kept.lines());
    return kept;
  };
  const makeOne = (declared: MetricDeclaration): KeptHistogram | Written =>
    declared.type === 'histogram' ? keep(declared) : write(declared);
  return {
    contentType: registry.contentType,
    make<T extends MetricTable>(table: T) {
      return Object.fromEntries(Object.entries(table).map(([key, declared]) => [key, makeOne(declared)])) as {
        readonly [Key in keyof T]: Made<T[Key]>;
      };
    },
    async *scrape(writeAll) {
      // its own: another scrape may begin before this one is read to its end
      const own: typeof sheet = new Map();
      sheet = own;
      writeAll();
      for (const [index, { name }] of registry.getMetricsAsArray().entries()) {
        // Thousands of pools make megabytes: one metric's lines are gone before the next are made, and turns do not wait for all of them.
        if (index > 0) await nextTurn();
        sheet = own;
        // asks the metric for its lines before it returns
        const text = registry.getSingleMetricAsString(name);
        own.delete(name);
        yield `${index > 0 ? '\n' : ''}${await text}\n`;
      }
    },
  };
}
