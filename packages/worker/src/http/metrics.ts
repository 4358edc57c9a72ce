import type { MetricDeclaration } from '@celeriac/brokers';
import type { Counter, Gauge, Registry } from 'prom-client';
import type { Tally } from '../events/tally.ts';
import { NODE_METRICS_PREFIX } from './node-table.ts';
import { WORKER_METRICS } from './worker-table.ts';

/** What a scrape reads. */
export interface Measured {
  readonly tally: Tally;
  readonly gauges: () => {
    readonly slots: number;
    readonly active: number;
    readonly reserved: number;
    readonly held: number;
    readonly settling: number;
    readonly credit: number;
    readonly connected: boolean;
  };
}

type Made<D extends MetricDeclaration> = D['type'] extends 'gauge' ? Gauge<D['labels'][number]> : Counter<D['labels'][number]>;

type Page = { readonly [Key in keyof typeof WORKER_METRICS]: Made<(typeof WORKER_METRICS)[Key]> };

/** Renders the metrics of a worker. prom-client is loaded by the first scrape; until then nothing but plain counts is kept. */
export function createMetrics(measured: Measured): () => Promise<{ readonly contentType: string; readonly text: string }> {
  let page: Promise<{ readonly registry: Registry; readonly metrics: Page }> | undefined;
  return async () => {
    page ??= createPage();
    const { registry, metrics } = await page;
    fill(metrics, measured);
    return { contentType: registry.contentType, text: await registry.metrics() };
  };
}

async function createPage(): Promise<{ readonly registry: Registry; readonly metrics: Page }> {
  const prom = await import('prom-client');
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry, prefix: NODE_METRICS_PREFIX });
  const make = ({ name, help, type, labels }: MetricDeclaration): Gauge | Counter => {
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    return type === 'gauge' ? new prom.Gauge(configuration) : new prom.Counter(configuration);
  };
  const metrics = Object.fromEntries(Object.entries(WORKER_METRICS).map(([key, declared]) => [key, make(declared)]));
  return { registry, metrics: metrics as unknown as Page };
}

function fill(page: Page, { tally, gauges }: Measured): void {
  const now = gauges();
  page.slots.set(now.slots);
  page.credit.set(now.credit);
  page.connected.set(now.connected ? 1 : 0);
  for (const state of ['active', 'reserved', 'held', 'settling'] as const) page.tasks.set({ state }, now[state]);
  for (const counter of [page.started, page.ended, page.runtime, page.quarantined, page.childExits]) counter.reset();
  for (const [task, counts] of tally.byTask) {
    page.started.inc({ task }, counts.started);
    page.runtime.inc({ task }, counts.runtimeMs / 1000);
    for (const [outcome, count] of counts.ended) page.ended.inc({ task, outcome }, count);
  }
  for (const [code, count] of tally.quarantined) page.quarantined.inc({ code }, count);
  for (const [reason, count] of tally.childExits) page.childExits.inc({ reason }, count);
}
