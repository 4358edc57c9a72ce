import type { Counter, Gauge, Registry } from 'prom-client';
import type { Tally } from '../events/tally.ts';

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

interface Page {
  readonly registry: Registry;
  readonly gauges: Gauge<'state'>;
  readonly slots: Gauge;
  readonly credit: Gauge;
  readonly connected: Gauge;
  readonly started: Counter<'task'>;
  readonly ended: Counter<'task' | 'outcome'>;
  readonly runtime: Counter<'task'>;
  readonly quarantined: Counter<'code'>;
}

/** Renders the metrics of a worker. prom-client is loaded by the first scrape; until then nothing but plain counts is kept. */
export function createMetrics(measured: Measured): () => Promise<{ readonly contentType: string; readonly text: string }> {
  let page: Promise<Page> | undefined;
  return async () => {
    page ??= createPage();
    const loaded = await page;
    fill(loaded, measured);
    return { contentType: loaded.registry.contentType, text: await loaded.registry.metrics() };
  };
}

async function createPage(): Promise<Page> {
  const prom = await import('prom-client');
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry, prefix: 'celeriac_worker_' });
  const registers = [registry];
  const named = (name: string, help: string) => ({ name: `celeriac_worker_${name}`, help, registers });
  return {
    registry,
    gauges: new prom.Gauge({ ...named('tasks', 'Tasks in hand by state.'), labelNames: ['state'] as const }),
    slots: new prom.Gauge(named('slots', 'Tasks that can run at once.')),
    credit: new prom.Gauge(named('credit', 'Deliveries that may be held unsettled.')),
    connected: new prom.Gauge(named('broker_connected', '1 while the broker connection stands.')),
    started: new prom.Counter({ ...named('tasks_started_total', 'Runs begun.'), labelNames: ['task'] as const }),
    ended: new prom.Counter({ ...named('tasks_ended_total', 'Settlements by outcome.'), labelNames: ['task', 'outcome'] as const }),
    runtime: new prom.Counter({ ...named('task_runtime_seconds_total', 'Time spent in tasks.'), labelNames: ['task'] as const }),
    quarantined: new prom.Counter({ ...named('messages_quarantined_total', 'Messages put away, by code.'), labelNames: ['code'] as const }),
  };
}

function fill(page: Page, { tally, gauges }: Measured): void {
  const now = gauges();
  page.slots.set(now.slots);
  page.credit.set(now.credit);
  page.connected.set(now.connected ? 1 : 0);
  for (const state of ['active', 'reserved', 'held', 'settling'] as const) page.gauges.set({ state }, now[state]);
  for (const counter of [page.started, page.ended, page.runtime, page.quarantined]) counter.reset();
  for (const [task, counts] of tally.byTask) {
    page.started.inc({ task }, counts.started);
    page.runtime.inc({ task }, counts.runtimeMs / 1000);
    for (const [outcome, count] of counts.ended) page.ended.inc({ task, outcome }, count);
  }
  for (const [code, count] of tally.quarantined) page.quarantined.inc({ code }, count);
}
