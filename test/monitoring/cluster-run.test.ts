// A real run on a real control plane with two autoscalers, one of which leads, and pods whose workers are scraped: panels that only
// Kubernetes has give data, and no pool is counted twice, also while the lease goes over to the other.

import { Celery } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { type Fleet, startFleet } from '../cluster/fleet-rig.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { celeriacProgram } from '../kubernetes/worker-program.ts';
import { until } from '../until.ts';
import { type DashboardFile, readDashboards } from './dashboard-file.ts';
import { type Answered, highest, runPanels, seriesNamed, withoutData } from './dashboard-queries.ts';
import type { Chosen } from './interpolate.ts';
import { type Prometheus, type Span, startPrometheus, type Target } from './prometheus.ts';

const LABELS = { namespace: 'app' };
const WORKS = 30;
const WORKER_PORT = 8081;
/** Longer than any window over which a panel takes a rate here. */
const SETTLED_S = 6;
const POOLS = ['emails', 'reports'];

const dashboards = readDashboards();
const stack = new AsyncDisposableStack();
let fleet: Fleet;
let prometheus: Prometheus;
let span: Span;
/** When the one that led was ended, seconds since the epoch; and when it was gone, and the other was seen to lead. */
const failover = { fromS: 0, toS: 0 };

interface PodStatus {
  readonly podIP?: string;
}

/** What a PodMonitor would find. */
function podTargets(): readonly Target[] {
  const pods = fleet.kubelet.pods() as readonly KubeObject<unknown, PodStatus>[];
  return pods.flatMap(({ metadata, status }) => {
    const pool = POOLS.find((name) => metadata.name.startsWith(`${name}-`));
    const address = status?.podIP;
    if (pool === undefined || address === undefined) return [];
    return [{ job: 'celeriac-worker', address: `${address}:${WORKER_PORT}`, labels: { ...LABELS, pool, pod: metadata.name } }];
  });
}

beforeAll(async () => {
  fleet = stack.use(
    await startFleet({
      broker: 'redis',
      autoscalers: 0,
      // Nobody loses it for being slow.
      config: 'lease: { duration: 30s, renewDeadline: 25s, retryPeriod: 500ms }',
      pools: POOLS.map((name) => ({
        name,
        program: (broker) =>
          celeriacProgram({ tasks: 'test/monitoring/tasks.ts', broker, queues: [name], drainTimeoutS: 20, args: ['-E'] }),
      })),
    }),
  );
  const own: Target[] = [];
  for (const pod of ['celeriac-autoscaler-a', 'celeriac-autoscaler-b']) {
    const celeryMetrics = `127.0.0.1:${await freePort()}`;
    const { server } = await fleet.startAutoscaler({ args: ['--celery-metrics', celeryMetrics] });
    own.push({ job: 'celeriac-autoscaler', address: server.replace('http://', ''), labels: { ...LABELS, pod } });
    own.push({ job: 'celery-exporter', address: celeryMetrics, labels: { ...LABELS, pod } });
  }
  prometheus = stack.use(await startPrometheus(() => [...own, ...podTargets()]));
  await prometheus.scraped(own);
  const fromS = Date.now() / 1_000;

  const celery = new Celery({ broker: fleet.broker });
  stack.defer(() => celery.close());
  const send = async (countdown: number): Promise<void> => {
    for (let count = 0; count < WORKS; count += 1) {
      await celery.sendTask('shop.work', { args: [200], queue: count % 3 === 0 ? 'reports' : 'emails', countdown });
    }
    for (const queue of POOLS) for (const name of ['shop.retry', 'shop.crash']) await celery.sendTask(name, { queue });
    for (const what of ['type', 'range']) await celery.sendTask('shop.fail', { args: [what], queue: 'reports' });
  };
  const now = async (expr: string): Promise<number> => highest(await prometheus.query(expr, Date.now() / 1_000));
  const reaches = (what: string, expr: string, isThere: (value: number) => boolean) =>
    until(async () => isThere(await now(expr)), { timeoutMs: 120_000, everyMs: 250, what });
  await send(0);
  await reaches('tasks that succeeded', 'sum(celery_task_succeeded_total)', (value) => value >= WORKS / 2);
  await send(0.5);
  const all = 2 * (WORKS + POOLS.length);
  await reaches(`${all} tasks that succeeded`, 'sum(celery_task_succeeded_total)', (value) => value >= all);

  // The one that leads goes, the other takes over, and counts what it has counted all along.
  const [first] = fleet.autoscalers;
  if (first === undefined || !/^celeriac_leader 1$/m.test(await first.metrics())) throw new Error('the first autoscaler does not lead');
  failover.fromS = Date.now() / 1_000;
  await first.process.stop();
  const other = 'max(celeriac_leader{pod="celeriac-autoscaler-b"})';
  await reaches('the other alone, and leading', `${other} == 1 and count(celeriac_build_info) == 1`, (value) => value === 1);
  failover.toS = Date.now() / 1_000;
  await reaches('no replicas', 'sum(celeriac_pool_replicas)', (value) => value === 0);
  // Its series are as old as the windows of the panels.
  const counted = 'min(count_over_time(celery_task_received_total{pod="celeriac-autoscaler-b"}[1m]))';
  await reaches('scrapes of what it counts', counted, (value) => value >= SETTLED_S);
  span = { fromS, toS: Date.now() / 1_000 };
});

afterAll(() => stack.disposeAsync());

const everything = (dashboard: DashboardFile): Chosen =>
  Object.fromEntries(
    dashboard.templating.list.filter(({ type }) => type === 'query').map(({ name, multi }) => [name, multi ? null : ['reports']]),
  );
const answersOf = (file: string): Promise<readonly Answered[]> => {
  const dashboard = dashboards.get(file);
  if (dashboard === undefined) throw new Error(`no ${file}`);
  return runPanels(prometheus, dashboard, everything(dashboard), span);
};

it.each([...dashboards])('%s has data in every panel', async (_file, dashboard) => {
  expect(withoutData(await runPanels(prometheus, dashboard, everything(dashboard), span))).toEqual([]);
});

describe('of two autoscalers', () => {
  it('both are there, and one leads', async () => {
    const health = await answersOf('autoscaler-health.json');
    expect(highest(seriesNamed(health, 'Autoscalers'))).toBe(2);
    // What was scraped last of one that is gone stands beside the other's until the next scrape.
    const settled = seriesNamed(health, 'Leaders').flatMap(({ values }) =>
      values.filter(([atS]) => atS < failover.fromS || atS > failover.toS).map(([, value]) => value),
    );
    expect(Math.max(...settled)).toBe(1);
    const leaders = seriesNamed(health, 'Who leads').map(({ values }) => values.map(([, value]) => value));
    expect(leaders).toHaveLength(2);
    for (const values of leaders) expect(values).toContain(1);
  });

  it('what they say of pools is counted once', async () => {
    const fleetWide = await answersOf('fleet-overview.json');
    expect(highest(seriesNamed(fleetWide, 'Pools'))).toBe(POOLS.length);
    // Never more than all that was sent, whoever says so.
    expect(highest(seriesNamed(fleetWide, 'Tasks waiting'))).toBeLessThanOrEqual(2 * (WORKS + 6));
    const wanted =
      Math.max(...fleet.history('emails').map(({ replicas }) => replicas)) +
      Math.max(...fleet.history('reports').map(({ replicas }) => replicas));
    expect(highest(seriesNamed(fleetWide, 'Replicas wanted'))).toBeLessThanOrEqual(wanted);
    expect(highest(seriesNamed(fleetWide, 'Replicas ready'))).toBeLessThanOrEqual(wanted);
  });

  it('the new leader begins its series with what it had counted, which is no rate of anything', async () => {
    const tasks = await answersOf('tasks.json');
    const rates = seriesNamed(tasks, 'Received by queue').flatMap(({ values }) => values);
    // Nothing was sent any more when it took over.
    const after = rates.filter(([atS, value]) => atS > failover.fromS + SETTLED_S && Number.isFinite(value)).map(([, value]) => value);
    expect(after).not.toEqual([]);
    expect(Math.max(...after)).toBeLessThan(1);
    const received = highest(seriesNamed(tasks, 'Tasks received'));
    expect(received).toBeLessThanOrEqual(4 * (WORKS + 6));
  });
});

it('the autoscaler says nothing of a namespace that is not where it is scraped', async () => {
  const series = await prometheus.query('last_over_time(celeriac_kubernetes_watch_age_seconds[1m])', failover.fromS);
  expect(series.length).toBeGreaterThan(0);
  for (const { metric } of series) expect(metric).toMatchObject({ namespace: 'app', exported_namespace: fleet.namespace });
});
