// Every query of every dashboard gives data over a real run on one machine, but for what only Kubernetes has.

import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPORTER_QUERIES, foreignDashboards } from './celery-exporter-users.ts';
import { type DashboardFile, readDashboards } from './dashboard-file.ts';
import { highest, offered, runPanels, seriesNamed, withoutData } from './dashboard-queries.ts';
import type { Chosen } from './interpolate.ts';
import { type LocalRun, SENT, startLocalRun } from './local-run.ts';

const RULES = resolve(import.meta.dirname, '../../examples/monitoring/alerts.yaml');
/** Panels of what a local target does not have. */
const OF_KUBERNETES = /^(Watch age|API requests|Watches out of step, and fresh lists|Objects kept) /;

/** What tasks that take their process with them give cause for, once a minute or two have passed. */
const OF_CRASHES = new Set(['CeleriacQuarantineGrowing', 'CeleriacWorkersCrashLooping']);

const dashboards = readDashboards();
let run: LocalRun;

beforeAll(async () => {
  run = await startLocalRun([RULES]);
});

afterAll(() => run?.[Symbol.asyncDispose]());

/** All of everything, and the pool `reports` where there can be only one. */
const everything = (dashboard: DashboardFile): Chosen =>
  Object.fromEntries(
    dashboard.templating.list.filter(({ type }) => type === 'query').map(({ name, multi }) => [name, multi ? null : ['reports']]),
  );
const answersOf = (file: string) => {
  const dashboard = dashboards.get(file);
  if (dashboard === undefined) throw new Error(`no ${file}`);
  return runPanels(run.prometheus, dashboard, everything(dashboard), run.span);
};

describe.each([...dashboards])('%s', (_file, dashboard) => {
  it('offers values for every variable', async () => {
    const values = await offered(run.prometheus, dashboard, run.span, everything(dashboard));
    expect(Object.keys(values).length).toBeGreaterThan(2);
    expect(Object.entries(values).filter(([, found]) => found.length === 0)).toEqual([]);
  });

  it.each(['all', 'each by its name'])('has data in every panel, with %s chosen', async (how) => {
    const all = everything(dashboard);
    const named = {
      ...(await offered(run.prometheus, dashboard, run.span, all)),
      ...Object.fromEntries(Object.entries(all).filter(([, values]) => values !== null)),
    };
    const empty = withoutData(await runPanels(run.prometheus, dashboard, how === 'all' ? all : named, run.span));
    expect(empty.filter((text) => !OF_KUBERNETES.test(text))).toEqual([]);
  });
});

describe('what the panels show', () => {
  it('is what was published', async () => {
    const fleet = await answersOf('fleet-overview.json');
    expect(highest(seriesNamed(fleet, 'Pools'))).toBe(2);
    const [celery, reports] = ['celery', 'reports'].map((queue) => highest(seriesNamed(fleet, 'Depth', { queue })));
    expect(celery).toBeGreaterThan(5);
    expect(celery).toBeLessThan(SENT.first * 2);
    expect(reports).toBeLessThan(SENT.first);
    expect(highest(seriesNamed(fleet, 'Arrival and completion rate', { queue: 'celery' }))).toBeGreaterThan(1);
  });

  it('is how tasks ended, the first failure of its kind among them', async () => {
    const failed = new Map(
      seriesNamed(await answersOf('tasks.json'), 'Failures in this time').map(({ metric, values }) => [
        metric['exception'] ?? '',
        values[0]?.[1],
      ]),
    );
    expect(failed.get('ValueError')).toBe(SENT.valueErrors);
    // What began within the first scrape of its task has been there from the beginning, as far as anybody can tell.
    expect(failed.get('WorkerLostError')).toBeGreaterThanOrEqual(SENT.lost - 1);
    expect(failed.get('WorkerLostError')).toBeLessThanOrEqual(SENT.lost);
  });

  it('is marks of decisions with their reason, at the time they were taken', async () => {
    const marks = dashboards.get('fleet-overview.json')?.annotations.list.filter(({ useValueForTime }) => useValueForTime) ?? [];
    expect(marks.map(({ name }) => name)).toEqual(['Scaled up', 'Scaled down']);
    for (const { expr } of marks) {
      const series = await run.prometheus.queryRange(expr.replaceAll(/\$\w+/g, '.*'), run.span, 1);
      expect(new Set(series.map(({ metric }) => metric['pool']))).toEqual(new Set(['emails', 'reports']));
      for (const { metric, values } of series) {
        expect(metric['reason']).toMatch(/^[a-z-]+$/);
        const times = values.map(([, atMs]) => atMs / 1_000);
        expect(Math.min(...times)).toBeGreaterThan(run.span.fromS - 1);
        expect(Math.max(...times)).toBeLessThan(run.span.toS);
      }
    }
  });
});

it('evaluates every alert, and none has fired for what is in order', async () => {
  const rules = await run.prometheus.rules();
  expect(rules.map(({ name }) => name)).toEqual(expect.arrayContaining([...OF_CRASHES]));
  expect(rules.length).toBeGreaterThan(5);
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  const untilNow = { fromS: run.span.fromS, toS: Date.now() / 1_000 };
  const fired = await run.prometheus.queryRange('ALERTS{alertstate="firing"}', untilNow, 1);
  expect(fired.filter(({ metric }) => !OF_CRASHES.has(String(metric['alertname'])))).toEqual([]);
});

describe('what is made for celery-exporter', () => {
  it.each(EXPORTER_QUERIES)('has an answer to %s', async (query) => {
    const series = await run.prometheus.queryRange(query, run.span, 1);
    expect(series.flatMap(({ values }) => values.map(([, value]) => value)).filter(Number.isFinite)).not.toEqual([]);
  });

  const foreign = foreignDashboards();
  it.skipIf(foreign.length === 0)('is answered itself, where CELERIAC_GRAFANA_DASHBOARDS names it', async () => {
    const chosen: Chosen = {
      cluster: [''],
      namespace: ['app'],
      job: ['celery-exporter'],
      queue_name: ['celery', 'reports'],
      task: ['shop.work', 'shop.fail', 'shop.retry'],
    };
    for (const { title, panels = [], rows = [] } of foreign) {
      const all = [...panels, ...rows.flatMap((row) => row.panels)];
      const answers = await runPanels(run.prometheus, { panels: all }, chosen, { ...run.span, toS: run.span.toS - 3 });
      console.log(`${title}: ${answers.length} queries`);
      // Those that ask for more than nothing of what did not happen here.
      expect(
        withoutData(answers).filter((text) => !/(rejected|revoked)_total.*> 0$/.test(text.trim())),
        title,
      ).toEqual([]);
    }
  });
});
