// What the code declares of metrics, for those who ask for them.

import { allMetrics } from '../../scripts/metrics-document.ts';

const metrics = new Map(allMetrics().map((metric) => [metric.name, metric]));

/** Labels that a scrape adds: those of every target, and the pool of a worker. */
const OF_TARGETS = ['namespace', 'job', 'instance'];

/** Labels that series of a metric have in Prometheus; undefined where there is no metric of that name. */
export function labelsOf(name: string): readonly string[] | undefined {
  const base = metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
  const metric = metrics.get(name) ?? (base?.type === 'histogram' ? base : undefined);
  if (metric === undefined) return undefined;
  return [...metric.labels, ...OF_TARGETS, ...(name.startsWith('celeriac_worker_') ? ['pool'] : [])];
}

/** Names of metrics in an expression, with what follows each. */
export function metricsIn(expr: string): readonly { readonly name: string; readonly next: string }[] {
  return [...expr.matchAll(/\b((?:celeriac|celery|process)_\w+)(.?)/g)].map(([, name = '', next = '']) => ({ name, next }));
}

/** Labels in selectors that the metric does not have, and metrics that there are not. */
export function unknownIn(expr: string): readonly string[] {
  const unknown = metricsIn(expr).flatMap(({ name }) => (labelsOf(name) === undefined ? [name] : []));
  for (const [, name = '', selector = ''] of expr.matchAll(/\b((?:celeriac|celery|process)_\w+)\{([^}]*)\}/g)) {
    const labels = labelsOf(name) ?? [];
    for (const [, label = ''] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)["%]/g))
      if (!labels.includes(label)) unknown.push(`${name}{${label}}`);
  }
  return unknown;
}
