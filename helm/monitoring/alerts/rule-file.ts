import { type AlertRule, runbookOf, SELECTOR, THRESHOLD, WORKERS } from './rule.ts';
import { ALERT_RULES } from './rules.ts';

/** What the rules are filled in with where there is no chart to do it. */
export interface RuleFileSettings {
  /** Matchers of the series of the autoscaler, without braces. */
  readonly selector: string;
  /** Matchers of the series of workers. */
  readonly workers: string;
  /** Address of the page with the runbooks. */
  readonly runbooks: string;
}

/** The rules as data for the chart, which fills in the placeholders from its values. */
export function chartRules(rules: readonly AlertRule[] = ALERT_RULES): string {
  const lines = rules.flatMap((rule) =>
    Object.entries({ ...rule, runbook: runbookOf(rule) }).map(
      ([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${yaml(value)}`,
    ),
  );
  return `${[
    "# The alerts of the chart, made from helm/monitoring/alerts by `npm run docs`. Not a rule file yet: the chart's template puts",
    '# metrics.prometheusRule.rules.<name> over for, severity and threshold, and fills in __THRESHOLD__, __SELECTOR__ and __WORKERS__.',
    'rules:',
    ...lines,
  ].join('\n')}\n`;
}

/** A rule file for a Prometheus without the chart. */
export function ruleFile({ selector, workers, runbooks }: RuleFileSettings, rules: readonly AlertRule[] = ALERT_RULES): string {
  const lines = rules.flatMap((rule) => {
    const fill = (text: string): string =>
      text
        .replaceAll(SELECTOR, selector)
        .replaceAll(WORKERS, workers)
        .replaceAll(THRESHOLD, String(rule.threshold ?? ''));
    const quoted = (text: string): string => yaml(fill(text));
    return [
      `      - alert: ${rule.alert}`,
      `        expr: ${quoted(rule.expr)}`,
      `        for: ${rule.for}`,
      `        labels: { severity: ${rule.severity} }`,
      '        annotations:',
      `          summary: ${quoted(rule.summary)}`,
      `          description: ${quoted(rule.description)}`,
      `          runbook_url: ${yaml(`${runbooks}#${runbookOf(rule)}`)}`,
    ];
  });
  return `${['groups:', '  - name: celeriac', '    rules:', ...lines].join('\n')}\n`;
}

/** A scalar of YAML, quoted as the repository's formatter does. */
function yaml(value: string | number): string {
  return typeof value === 'string' && value.includes('"') ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
}
