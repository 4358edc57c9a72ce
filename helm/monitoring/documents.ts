import { chartRules, ruleFile } from './alerts/rule-file.ts';
import { autoscalerHealth } from './dashboards/autoscaler-health.ts';
import { fleetOverview } from './dashboards/fleet-overview.ts';
import { poolDetail } from './dashboards/pool-detail.ts';
import { tasks } from './dashboards/tasks.ts';
import { type Dashboard, dashboardJson } from './grafana/dashboard.ts';
import { jsonText } from './grafana/json-text.ts';

/** The dashboards of the chart. */
export const DASHBOARDS: readonly Dashboard[] = [fleetOverview, poolDetail, tasks, autoscalerHealth];

/** Where the runbooks are, relative to the repository's root. */
export const RUNBOOKS = 'docs/guide/runbooks.md';

const PLAIN_HEADER = `# The alerts of Celeriac for a Prometheus without the chart, made from helm/monitoring/alerts by \`npm run docs\`.
# They take autoscalers from jobs whose name begins with celeriac, and workers from series with a label \`pool\`.
`;

/** Every file that is made from helm/monitoring. */
export function monitoringDocuments(): readonly { readonly path: string; readonly text: string }[] {
  const plain = { selector: 'job=~"celeriac.*"', workers: 'pool!=""', runbooks: RUNBOOKS };
  return [
    ...DASHBOARDS.map((dashboard) => ({
      path: `helm/celeriac/files/dashboards/${dashboard.uid.replace(/^celeriac-/, '')}.json`,
      text: `${jsonText(dashboardJson(dashboard))}\n`,
    })),
    { path: 'helm/celeriac/files/alerts/celeriac.yaml', text: chartRules() },
    { path: 'examples/monitoring/alerts.yaml', text: `${PLAIN_HEADER}${ruleFile(plain)}` },
  ];
}
