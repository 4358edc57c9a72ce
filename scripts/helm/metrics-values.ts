// `metrics` of the chart's values.

import { z } from 'zod';
import { flag, optionalText, textMap } from './value-parts.ts';

/** The alerts of the chart's PrometheusRule, by the names that values give them. */
const ALERTS = [
  'queueWaitOverGoal',
  'backlogAtMax',
  'poolStuck',
  'noLeader',
  'signalsStale',
  'tasksKilled',
  'quarantineGrowing',
  'workersCrashLooping',
  'brokerMayEvict',
  'autoscalerDown',
] as const;

const PROMETHEUS_DURATION = /^((\d+(ms|[smhdwy]))+|0)?$/;

/** What Prometheus and Grafana get. */
export function metricsValues(): z.ZodObject {
  return z
    .strictObject({
      celeryCompat: flag("Metrics in celery-exporter's names, on a port of their own."),
      serviceMonitor: z
        .strictObject({ ...monitorShape(), jobLabel: optionalText("`job` of the metrics in celery-exporter's names.") })
        .partial()
        .describe('ServiceMonitor of the autoscaler.'),
      podMonitor: z.strictObject(monitorShape()).partial().describe('PodMonitor of the workers.'),
      prometheusRule: z
        .strictObject({
          enabled: flag('Makes it.'),
          labels: textMap('Its labels.'),
          runbookUrl: optionalText('Page of the runbooks; each alert adds its heading.'),
          rules: z
            .strictObject(Object.fromEntries(ALERTS.map((name) => [name, alertValues()])) as Record<string, z.ZodType>)
            .partial()
            .describe('Changes to single alerts.'),
          alertLabels: textMap('Labels of every alert.'),
        })
        .partial()
        .describe('Alerts.'),
      dashboards: z
        .strictObject({
          enabled: flag('Makes ConfigMaps of them.'),
          label: optionalText("Label by which Grafana's sidecar finds them."),
          labelValue: optionalText('Its value.'),
          annotations: textMap('Annotations, such as the folder.'),
        })
        .partial()
        .describe("Grafana's dashboards."),
    })
    .partial()
    .describe('What Prometheus and Grafana get.');
}

function monitorShape() {
  const duration = z.string().regex(PROMETHEUS_DURATION);
  return {
    enabled: flag('Makes it.'),
    labels: textMap('Its labels.'),
    interval: duration.describe('Time between two scrapes.'),
  } satisfies Record<string, z.ZodType>;
}

function alertValues(): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Has the alert.'),
      for: z.string().regex(PROMETHEUS_DURATION).describe('How long it must hold.'),
      severity: optionalText('Label severity.'),
      threshold: z.number().describe('What the alert compares with.'),
    })
    .partial();
}
