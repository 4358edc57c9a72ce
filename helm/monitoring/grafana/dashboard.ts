import { type Annotation, annotationJson } from './annotation.ts';
import type { Panel, Row } from './panel.ts';
import { type GridPosition, type Json, panelJson } from './panel-json.ts';
import { datasourceVariable, type Variable, variableJson } from './variable.ts';

/** Grafana 11's version of the format. */
const SCHEMA_VERSION = 39;
const COLUMNS = 24;
const HEIGHTS: Readonly<Record<Panel['kind'], number>> = { timeseries: 8, 'state-timeline': 8, stat: 4, table: 8 };

/** What a dashboard is made of. */
export interface Dashboard {
  /** Part of its address: `/d/<uid>`. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly annotations: readonly Annotation[];
  readonly rows: readonly Row[];
}

/** A dashboard as Grafana 11 imports it; panels fill each row from the left, and wrap. */
export function dashboardJson(dashboard: Dashboard): Readonly<Record<string, Json>> {
  return {
    uid: dashboard.uid,
    title: dashboard.title,
    description: dashboard.description,
    tags: ['celeriac', 'celery'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    links: [
      {
        title: 'Celeriac',
        type: 'dashboards',
        tags: ['celeriac'],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: '',
        url: '',
      },
    ],
    templating: { list: [datasourceVariable, ...dashboard.variables.map(variableJson)] },
    annotations: { list: dashboard.annotations.map(annotationJson) },
    panels: panelsOf(dashboard.rows),
  };
}

function panelsOf(rows: readonly Row[]): readonly Json[] {
  const panels: Json[] = [];
  let id = 0;
  let y = 0;
  for (const row of rows) {
    id += 1;
    const rowId = id;
    const rowY = y;
    const { placed, bottom } = place(row.panels, y + 1);
    y = bottom;
    const made = placed.map(([panel, position]) => {
      id += 1;
      return panelJson(panel, id, position);
    });
    const collapsed = row.collapsed === true;
    const headline = { id: rowId, type: 'row', title: row.title, collapsed, gridPos: { x: 0, y: rowY, w: COLUMNS, h: 1 } };
    panels.push({ ...headline, panels: collapsed ? made : [] });
    if (collapsed) y = rowY + 1;
    else panels.push(...made);
  }
  return panels;
}

function place(
  panels: readonly Panel[],
  top: number,
): { readonly placed: readonly (readonly [Panel, GridPosition])[]; readonly bottom: number } {
  const placed: (readonly [Panel, GridPosition])[] = [];
  let [x, y, tallest] = [0, top, 0];
  for (const panel of panels) {
    const h = panel.height ?? HEIGHTS[panel.kind];
    if (x + panel.width > COLUMNS) [x, y, tallest] = [0, y + tallest, 0];
    placed.push([panel, { x, y, w: panel.width, h }]);
    x += panel.width;
    tallest = Math.max(tallest, h);
  }
  return { placed, bottom: y + tallest };
}
