// Parts of PromQL that the dashboards share. Two autoscalers are scraped and one of them leads: what both may say is taken once, by `max`.

/** Series of the autoscaler that the variables choose. */
const AUTOSCALER = 'namespace=~"$namespace",job=~"$job"';

/** Selector of a metric of the autoscaler; `labels` are further matchers. */
export function ofAutoscaler(metric: string, ...labels: readonly string[]): string {
  return `${metric}{${[AUTOSCALER, ...labels].join(',')}}`;
}

/** Selector of a metric of the chosen pools. */
export function ofPools(metric: string, ...labels: readonly string[]): string {
  return ofAutoscaler(metric, 'pool=~"$pool"', ...labels);
}

/** A gauge of each pool, and of each value of further labels. */
export function perPool(metric: string, by: readonly string[] = [], ...labels: readonly string[]): string {
  return `max by (${['namespace', 'pool', ...by].join(', ')}) (${ofPools(metric, ...labels)})`;
}

/** A gauge of each queue of the chosen pools. */
export function perQueue(metric: string): string {
  return perPool(metric, ['queue'], 'queue=~"$queue"');
}

/** How many times a second what a counter of the chosen pools counts happens. The former leader's series ends where the next one's begins. */
export function poolRate(metric: string, by: readonly string[]): string {
  return `sum by (${['namespace', ...by].join(', ')}) (rate(${ofPools(metric)}[$__rate_interval]))`;
}

/** How often it happened within the time range; without labels for all chosen pools together. */
export function poolIncrease(metric: string, by: readonly string[] = []): string {
  return `sum${by.length === 0 ? '' : ` by (${by.join(', ')}) `}(increase(${ofPools(metric)}[$__range]))`;
}

/** A rate of what is counted by queue alone. */
export function queueRate(metric: string): string {
  return `sum by (namespace, queue) (rate(${ofAutoscaler(metric, 'queue=~"$queue"')}[$__rate_interval]))`;
}

/**
 * How many tasks a second come into each queue: what workers take, and by how much the queue grows meanwhile. Where no worker was ever heard
 * of nothing is taken.
 */
export const arrivalRate: string = (() => {
  const growth = `max by (namespace, queue) (deriv(${ofPools('celeriac_queue_ready', 'queue=~"$queue"')}[$__rate_interval]))`;
  return `clamp_min((${growth} + ${queueRate('celeriac_queue_received_total')}) or ${growth}, 0)`;
})();

/** What every process says of itself, of the autoscalers only; `series` is the metric, or its rate. */
export function ofProcess(series: string): string {
  return `${series} and on (instance, job) ${ofAutoscaler('celeriac_build_info')}`;
}

/** A quantile of a histogram, from 0 to 1; `series` is the selector of its buckets. */
export function quantile(q: number, series: string, by: readonly string[]): string {
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (rate(${series}[$__rate_interval])))`;
}

/** Age of the oldest task of each queue, 0 where none waits. */
export const oldestAge: string = `${perQueue('celeriac_oldest_task_age_seconds')} or ${perQueue('celeriac_queue_ready')} == 0`;

/** Replicas that are stuck by their reason; the reason `none` with 0 for a pool without any. */
export const stuckByReason: string = withNone('celeriac_stuck_replicas', `${perPool('celeriac_pool_replicas', [], 'state="stuck"')}`);

/** 1 for each reason that limits a pool; the reason `none` with 0 for a pool that gets what it wishes. */
export const limitedByReason: string = withNone('celeriac_limited', perPool('celeriac_held'));

function withNone(metric: string, always: string): string {
  return `${perPool(metric, ['reason'])} or on (namespace, pool) label_replace(0 * ${always}, "reason", "none", "", "")`;
}
