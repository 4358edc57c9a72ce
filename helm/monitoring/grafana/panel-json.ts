import type { Override, Panel, Query, Table, Thresholds } from './panel.ts';

/** Plain JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Where a panel lies on the grid of 24 columns. */
export interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The one datasource of our dashboards, chosen by a variable. */
export const DATASOURCE: { readonly type: 'prometheus'; readonly uid: string } = { type: 'prometheus', uid: `\${datasource}` };

/** A panel as Grafana stores it. */
export function panelJson(panel: Panel, id: number, gridPos: GridPosition): Readonly<Record<string, Json>> {
  const repeat = panel.kind === 'timeseries' ? panel.repeat : undefined;
  return {
    id,
    type: panel.kind,
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    gridPos: { ...gridPos },
    ...(repeat === undefined ? {} : { repeat, repeatDirection: 'h', maxPerRow: 3 }),
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        min: 0,
        ...(panel.kind === 'timeseries' && panel.max !== undefined ? { max: panel.max } : {}),
        color: { mode: colorMode(panel) },
        thresholds: thresholdsJson(panel.thresholds ?? ['green']),
        mappings: mappingsOf(panel),
        custom: customOf(panel),
      },
      overrides: (panel.overrides ?? []).map(overrideJson),
    },
    options: optionsOf(panel),
    targets: panel.queries.map((query, index) => targetJson(panel, query, index)),
    ...(panel.kind === 'table' ? { transformations: tableTransformations(panel) } : {}),
  };
}

function colorMode(panel: Panel): string {
  if (panel.kind === 'timeseries') return 'palette-classic';
  return 'thresholds';
}

function targetJson(panel: Panel, query: Query, index: number): Json {
  const instant = query.instant ?? panel.kind === 'table';
  return {
    refId: refId(index),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr: query.expr,
    legendFormat: query.legend,
    format: panel.kind === 'table' ? 'table' : 'time_series',
    instant,
    range: !instant,
  };
}

function refId(index: number): string {
  return String.fromCharCode(65 + index);
}

function customOf(panel: Panel): Json {
  if (panel.kind === 'timeseries') {
    return {
      drawStyle: 'line',
      lineWidth: 1,
      lineInterpolation: panel.steps === true ? 'stepAfter' : 'linear',
      fillOpacity: panel.stacked === true ? 40 : (panel.fill ?? 10),
      showPoints: 'never',
      spanNulls: false,
      axisSoftMin: 0,
      stacking: { mode: panel.stacked === true ? 'normal' : 'none', group: 'A' },
      thresholdsStyle: { mode: panel.thresholds === undefined ? 'off' : 'dashed' },
    };
  }
  if (panel.kind === 'state-timeline') return { fillOpacity: 70, lineWidth: 0 };
  return panel.kind === 'table' ? { align: 'auto', filterable: true } : {};
}

function optionsOf(panel: Panel): Json {
  const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] };
  switch (panel.kind) {
    case 'timeseries':
      return { legend, tooltip: { mode: 'multi', sort: 'desc' } };
    case 'state-timeline':
      return { legend, mergeValues: true, showValue: 'auto', rowHeight: 0.8, tooltip: { mode: 'single', sort: 'none' } };
    case 'stat':
      return {
        colorMode: panel.thresholds === undefined && panel.words === undefined ? 'none' : 'value',
        graphMode: panel.queries.some(({ instant }) => instant === true) ? 'none' : 'area',
        justifyMode: 'auto',
        orientation: 'auto',
        textMode: panel.names === true ? 'name' : 'auto',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      };
    case 'table':
      return {
        showHeader: true,
        cellHeight: 'sm',
        sortBy: panel.sortBy === undefined ? [] : [{ displayName: panel.sortBy, desc: true }],
        footer: { show: false, reducer: ['sum'], countRows: false, fields: '' },
      };
  }
}

/** Grafana names the columns of several queries `Value #A` and so on. */
function tableTransformations(panel: Table): Json {
  const column = (index: number): string => (panel.queries.length === 1 ? 'Value' : `Value #${refId(index)}`);
  const shown = [...panel.labels, ...panel.queries.map((_, index) => column(index))];
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names: shown } } },
    {
      id: 'organize',
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(shown.map((name, index) => [name, index])),
        renameByName: Object.fromEntries(panel.queries.map(({ legend }, index) => [column(index), legend])),
      },
    },
  ];
}

function mappingsOf(panel: Panel): readonly Json[] {
  const words = panel.kind === 'stat' || panel.kind === 'state-timeline' ? panel.words : undefined;
  if (words === undefined) return [];
  const entries = Object.entries(words).map(([value, [text, color]], index) => [value, { text, color, index }] as const);
  return [{ type: 'value', options: Object.fromEntries(entries) }];
}

function thresholdsJson([first, ...others]: Thresholds): Json {
  return { mode: 'absolute', steps: [{ color: first, value: null }, ...others.map(([value, color]) => ({ color, value }))] };
}

function overrideJson(override: Override): Json {
  const { series, unit, color, axis, dashed, fill, draw, link, thresholds, named } = override;
  const properties: { readonly id: string; readonly value: Json }[] = [];
  const add = (id: string, value: Json | undefined): void => {
    if (value !== undefined) properties.push({ id, value });
  };
  add('displayName', named);
  add('unit', unit);
  add('color', color === undefined ? undefined : { mode: 'fixed', fixedColor: color });
  add('custom.axisPlacement', axis);
  add('custom.lineStyle', dashed === true ? { fill: 'dash', dash: [8, 6] } : undefined);
  add('custom.fillOpacity', fill ?? (dashed === true ? 0 : undefined));
  add('custom.drawStyle', draw);
  add('links', link === undefined ? undefined : [{ title: link.title, url: link.url }]);
  add('thresholds', thresholds === undefined ? undefined : thresholdsJson(thresholds));
  add('custom.cellOptions', thresholds === undefined ? undefined : { type: 'color-text' });
  const matcher = typeof series === 'string' ? { id: 'byName', options: series } : { id: 'byRegexp', options: String(series) };
  return { matcher, properties };
}
