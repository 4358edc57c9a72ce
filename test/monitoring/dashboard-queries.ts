// Every query of a dashboard, run as Grafana would run it over a span of a real run.

import { allPanels, type DashboardFile } from './dashboard-file.ts';
import { type Chosen, interpolate } from './interpolate.ts';
import { type Prometheus, SCRAPE_S, type Series, type Span } from './prometheus.ts';

/** Points that a panel is asked for. */
const POINTS = 100;

/** What one query of a panel gave. */
export interface Answered {
  readonly panel: string;
  readonly refId: string;
  readonly legend: string;
  /** As it was sent. */
  readonly expr: string;
  readonly series: readonly Series[];
}

/** Runs the queries of all panels; rejects where Prometheus refuses one. */
export async function runPanels(
  prometheus: Prometheus,
  dashboard: Pick<DashboardFile, 'panels'>,
  chosen: Chosen,
  span: Span,
): Promise<readonly Answered[]> {
  const rangeS = Math.ceil(span.toS - span.fromS);
  const stepS = Math.max(SCRAPE_S, Math.ceil(rangeS / POINTS));
  const targets = allPanels(dashboard).flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
  const answers: Answered[] = [];
  for (const { title, refId, legendFormat, expr: text, instant } of targets) {
    const expr = interpolate(text, { rangeS, stepS, scrapeS: SCRAPE_S }, chosen);
    const series = instant ? await prometheus.query(expr, span.toS) : await prometheus.queryRange(expr, span, stepS);
    answers.push({ panel: title, refId, legend: legendFormat, expr, series });
  }
  return answers;
}

/** Those whose panel would say "No data": no series, or none with a number in it. */
export function withoutData(answers: readonly Answered[]): readonly string[] {
  const empty = answers.filter(({ series }) => !series.some(({ values }) => values.some(([, value]) => Number.isFinite(value))));
  return empty.map(({ panel, refId, expr }) => `${panel} ${refId}: ${expr}`);
}

/** The values each variable offers, in the order in which Grafana fills them: later ones follow what was chosen before. */
export async function offered(
  prometheus: Prometheus,
  dashboard: DashboardFile,
  span: Span,
  chosen: Chosen,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const values: Record<string, readonly string[]> = {};
  for (const { name, definition } of dashboard.templating.list) {
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
    if (selector === undefined || label === undefined) continue;
    const expr = interpolate(selector, { rangeS: 1, stepS: 1, scrapeS: 1 }, chosen);
    values[name] = await prometheus.labelValues(expr, label, span);
  }
  return values;
}

/** The series of one panel that its legend names so. */
export function seriesNamed(answers: readonly Answered[], panel: string, labels: Readonly<Record<string, string>> = {}): readonly Series[] {
  return answers
    .filter((answer) => answer.panel === panel)
    .flatMap(({ series }) => series)
    .filter(({ metric }) => Object.entries(labels).every(([name, value]) => metric[name] === value));
}

/** The largest number among series. */
export function highest(series: readonly Series[]): number {
  return Math.max(...series.flatMap(({ values }) => values.map(([, value]) => value)).filter(Number.isFinite));
}
