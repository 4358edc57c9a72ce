/** How bad it is: `critical` loses work or stops scaling, `warning` should be looked at in the daytime. */
export type Severity = 'critical' | 'warning';

/** An alert. Its texts are templates of Prometheus: `{{ $labels.pool }}`, `{{ $value }}`. */
export interface AlertRule {
  /** Its name in the chart's values: `metrics.prometheusRule.rules.<name>`. */
  readonly name: string;
  readonly alert: string;
  readonly expr: string;
  /** How long it must be so, as Prometheus writes durations. */
  readonly for: string;
  readonly severity: Severity;
  /** Stands for {@link THRESHOLD}; left out where there is nothing to set. */
  readonly threshold?: number;
  /** One line. */
  readonly summary: string;
  /** With the numbers. */
  readonly description: string;
}

/** In an expression or a text: what the alert's threshold is. */
export const THRESHOLD = '__THRESHOLD__';
/** In an expression, last between braces: matchers of the series of one autoscaler. */
export const SELECTOR = '__SELECTOR__';
/** The same for series that are scraped from workers. */
export const WORKERS = '__WORKERS__';

/** The anchor of its runbook in docs/guide/runbooks.md, where each alert is a heading. */
export function runbookOf({ alert }: Pick<AlertRule, 'alert'>): string {
  return alert.toLowerCase();
}
