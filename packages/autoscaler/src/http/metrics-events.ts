import type { TaskEvents } from '../celery-metrics/serve-celery-metrics.ts';
import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart, MetricsSource } from './metrics-part.ts';
import { EVENT_METRICS } from './tables/events-table.ts';

/** What goes through the queues by the events of workers; shown by who leads, because all of a group count the same events. */
export function createEventMetrics(makers: MetricMakers, autoscaler: Pick<MetricsSource, 'lease'>, events: TaskEvents): MetricsPart {
  const { received, completed, wait, taken, dropped, series } = makers.make(EVENT_METRICS);
  events.flow.onWait((queue, waitS) => {
    if (autoscaler.lease.held) wait.observe({ queue }, waitS);
  });
  return {
    observe() {},
    write() {
      taken.set({}, events.taken);
      for (const [reason, count] of Object.entries(events.dropped)) dropped.set({ reason }, count);
      series.set({}, events.series);
      if (!autoscaler.lease.held) return wait.reset();
      for (const [queue, count] of events.flow.received) received.set({ queue }, count);
      for (const [queue, count] of events.flow.completed) completed.set({ queue }, count);
    },
  };
}
