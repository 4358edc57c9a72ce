// The dashboards as they are in the chart, read as Grafana reads them.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../helm/celeriac/files/dashboards');

export interface PanelFile {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly collapsed?: boolean;
  readonly panels?: readonly PanelFile[];
  readonly repeat?: string;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly instant: boolean;
    readonly range: boolean;
    readonly datasource: { readonly uid: string };
  }[];
}

export interface VariableFile {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly allValue?: string;
}

export interface DashboardFile {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly PanelFile[];
  readonly templating: { readonly list: readonly VariableFile[] };
  readonly annotations: {
    readonly list: readonly {
      readonly name: string;
      readonly expr: string;
      readonly useValueForTime: boolean;
      readonly textFormat: string;
    }[];
  };
}

/** Every dashboard of the chart by its file's name. */
export function readDashboards(): ReadonlyMap<string, DashboardFile> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  return new Map(names.map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as DashboardFile]));
}

/** Rows and panels, those of collapsed rows among them. */
export function allPanels(dashboard: Pick<DashboardFile, 'panels'>): readonly PanelFile[] {
  return dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
}
