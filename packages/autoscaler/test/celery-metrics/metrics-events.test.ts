import prom from 'prom-client';
import { expect, it } from 'vitest';
import { createQueueFlow } from '../../src/celery-metrics/queue-flow.ts';
import { createMetricMakers } from '../../src/http/metric-makers.ts';
import { createEventMetrics } from '../../src/http/metrics-events.ts';

it('what events say of queues is shown by who leads, and begins anew for who leads again', async () => {
  const flow = createQueueFlow();
  const lease = { held: false, holder: null };
  const makers = createMetricMakers(prom);
  const part = createEventMetrics(makers, { lease }, { flow, taken: 5, dropped: { rate: 1, series: 2 }, series: 8 });
  const render = async (): Promise<string> => (await makers.scrape(() => part.write(new Map()))).join('');
  flow.add('received', 'emails');
  flow.waited('emails', 3);
  const standby = await render();
  expect(standby).toContain('celeriac_events_total 5\n');
  expect(standby).toContain('celeriac_events_dropped_total{reason="series"} 2\n');
  expect(standby).not.toContain('emails');
  lease.held = true;
  flow.add('completed', 'emails');
  flow.waited('emails', 7);
  const leading = await render();
  expect(leading).toContain('celeriac_queue_received_total{queue="emails"} 1\n');
  expect(leading).toContain('celeriac_queue_completed_total{queue="emails"} 1\n');
  expect(leading).toContain('celeriac_queue_wait_seconds_bucket{le="10",queue="emails"} 1\n');
  expect(leading).toContain('celeriac_queue_wait_seconds_sum{queue="emails"} 7\n');
  lease.held = false;
  expect(await render()).not.toContain('emails');
});
