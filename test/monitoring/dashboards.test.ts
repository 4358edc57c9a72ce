// The dashboards as files: what Grafana does not complain of and people do.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allPanels, type DashboardFile, type PanelFile, readDashboards } from './dashboard-file.ts';
import { interpolate } from './interpolate.ts';
import { metricsIn, unknownIn } from './metric-labels.ts';
import { promtools, runPromtool } from './promtool.ts';

const COLUMNS = 24;
const dashboards = readDashboards();
const withQueries = (dashboard: DashboardFile): readonly PanelFile[] => allPanels(dashboard).filter(({ type }) => type !== 'row');
const expressionsOf = (dashboard: DashboardFile): readonly string[] => [
  ...withQueries(dashboard).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
  ...dashboard.templating.list.flatMap(({ definition }) => (definition === undefined ? [] : [definition])),
];

it('there are four, each with an address of its own', () => {
  expect([...dashboards.keys()].sort()).toEqual(['autoscaler-health.json', 'fleet-overview.json', 'pool-detail.json', 'tasks.json']);
  expect([...dashboards].map(([file, { uid }]) => `${uid.replace('celeriac-', '')}.json` === file)).toEqual([true, true, true, true]);
});

describe.each([...dashboards])('%s', (_file, dashboard) => {
  it('has the format of Grafana 11', () => {
    expect(dashboard.schemaVersion).toBe(39);
    expect(dashboard.title).toMatch(/^Celeriac \/ /);
  });

  it('numbers its panels once each', () => {
    const ids = allPanels(dashboard).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(0);
  });

  it('lays its panels side by side, not one on another, within the grid', () => {
    const taken = new Map<string, string>();
    const overlaps: string[] = [];
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(COLUMNS);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          const there = taken.get(`${x} ${y}`);
          if (there !== undefined) overlaps.push(`${title} on ${there}`);
          taken.set(`${x} ${y}`, title);
        }
      }
    }
    expect([...new Set(overlaps)]).toEqual([]);
  });

  it('gives every panel a title of its own, a description, a unit and the datasource that was chosen', () => {
    const panels = withQueries(dashboard);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, description = '', fieldConfig, datasource, targets = [] } of panels) {
      expect(description.length, title).toBeGreaterThan(15);
      expect(description, title).toMatch(/[.?]$/);
      expect(fieldConfig?.defaults.unit, title).toBeTruthy();
      expect([datasource?.uid, ...targets.map((target) => target.datasource.uid)], title).toEqual(
        Array(targets.length + 1).fill(`\${datasource}`),
      );
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { legendFormat } of targets) expect(legendFormat, title).not.toBe('');
    }
  });

  it('asks for metrics and labels that there are, of what was chosen only', () => {
    for (const expr of expressionsOf(dashboard)) {
      expect(unknownIn(expr), expr).toEqual([]);
      for (const { name, next } of metricsIn(expr)) {
        // The first of a chain of variables has nothing to follow.
        if (!/^label_values\(\w+, namespace\)$/.test(expr)) expect(`${name}${next}`, expr).toMatch(/\{$/);
      }
      if (!expr.startsWith('label_values('))
        expect(
          expr.match(/\{[^{}]*\}/g)?.every((selector) => selector.includes('$namespace')),
          expr,
        ).toBe(true);
    }
  });

  it('uses variables that it has', () => {
    const chosen = Object.fromEntries(dashboard.templating.list.map(({ name }) => [name, null]));
    for (const expr of expressionsOf(dashboard)) {
      expect(interpolate(expr, { rangeS: 60, stepS: 1, scrapeS: 1 }, chosen), expr).not.toContain('$');
    }
    for (const { name, multi, includeAll, allValue } of dashboard.templating.list) {
      expect(includeAll, name).toBe(multi);
      if (multi) expect(allValue, name).toBe('.*');
    }
  });

  it('takes what two autoscalers may both say once', () => {
    for (const expr of expressionsOf(dashboard).filter((text) => !text.startsWith('label_values('))) {
      // Gauges of pools and queues stand within max by, or are counters within a rate or an increase.
      const bare = expr.replaceAll(/max by \([^)]*\) \([^()]*\)/g, '').replaceAll(/(rate|increase|deriv)\([^()]*\)/g, '');
      const own = /celeriac_(leader|build_info|broker_evicts|lease_transitions|journal|workers\b|worker_|kubernetes_|signal_age)/;
      expect(
        metricsIn(bare).filter(({ name }) => name.startsWith('celeriac_') && !own.test(name)),
        expr,
      ).toEqual([]);
    }
  });
});

it.each(await promtools())('are what Prometheus can read, says %s', async (promtool) => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-queries-'));
  try {
    const rules = [...dashboards.values()].flatMap((dashboard) => {
      const chosen = Object.fromEntries(dashboard.templating.list.map(({ name }) => [name, null]));
      const queries = expressionsOf(dashboard).filter((text) => !text.startsWith('label_values('));
      return queries.map((expr, index) => ({
        record: `${dashboard.uid.replaceAll('-', '_')}:${index}`,
        expr: interpolate(expr, { rangeS: 60, stepS: 1, scrapeS: 1 }, chosen),
      }));
    });
    const file = join(folder, 'queries.json');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    expect(await runPromtool(promtool, ['check', 'rules', '--lint=none', file])).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(rules.length).toBeGreaterThan(80);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('what Grafana fills in', () => {
  const time = { rangeS: 3_600, stepS: 15, scrapeS: 15 };
  it('is a rate over four scrapes at least, and all or some of the values', () => {
    expect(interpolate('rate(a{b=~"$b"}[$__rate_interval])', time, { b: null })).toBe('rate(a{b=~".*"}[60s])');
    expect(interpolate(`a{b=~"\${b}"}[$__range]`, time, { b: ['x.y'] })).toBe('a{b=~"x\\\\.y"}[3600s]');
    expect(interpolate('rate(a{b=~"$b"}[$__rate_interval])', { ...time, stepS: 60 }, { b: ['x', 'y'] })).toBe('rate(a{b=~"(x|y)"}[75s])');
    expect(() => interpolate('$c', time, {})).toThrow('no value of $c');
  });
});
