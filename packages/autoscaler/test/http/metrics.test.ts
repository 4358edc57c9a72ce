import { text as textOf } from 'node:stream/consumers';
import { silentLogger } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import type { PoolSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { createMetrics, type Metrics } from '../../src/http/metrics.ts';
import type { MetricsIdentity, MetricsSource } from '../../src/http/metrics-part.ts';
import { AUTOSCALER_METRICS } from '../../src/http/tables/autoscaler-table.ts';
import { createJournal } from '../../src/journal/journal.ts';
import type { PoolTick } from '../../src/loop/pool-loop.ts';
import { createTally } from '../../src/tally/tally.ts';
import { reading, unavailable } from '../../src/window/sample.ts';
import { NOW, replica, restedState, seen, spec } from '../pool-fixtures.ts';
import { kedaMetrics } from './keda-metrics.ts';

const identity: MetricsIdentity = { version: '1.2.3', broker: 'redis' };

function tickOf(ofSpec: PoolSpec, ofSeen: PoolSeen): PoolTick {
  const decision = decide(NOW, ofSpec, ofSeen, restedState());
  return { pool: ofSpec.pool, spec: ofSpec, atMs: NOW, seen: ofSeen, decision, sampledInMs: 3, tookMs: 5 };
}

function source(ticks: readonly PoolTick[], changes: Partial<MetricsSource> = {}): MetricsSource {
  return {
    pools: new Map(ticks.map((tick) => [tick.pool, tick])),
    nowMs: NOW,
    lease: { held: true, holder: null },
    leaseChanges: 0,
    journal: createJournal({ logger: silentLogger }),
    kubernetes: undefined,
    tally: createTally(),
    targetKindOf: () => 'kubernetes',
    namespaceOf: () => 'apps',
    workersHeardOf: 2,
    brokerFacts: { quarantined: new Map(), memoryPolicy: null },
    ...changes,
  };
}

const pageOf = async (metrics: Metrics): Promise<string> => await textOf(metrics.render());

/** Values by series, as `name{a="1",b="2"}`. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

async function scrape(ticks: readonly PoolTick[], changes: Partial<MetricsSource> = {}, more: Partial<MetricsIdentity> = {}) {
  const metrics = await createMetrics(source(ticks, changes), { ...identity, ...more });
  for (const tick of ticks) metrics.observe(tick);
  return { metrics, text: await pageOf(metrics), series: seriesOf(await pageOf(metrics)) };
}

describe('metrics', () => {
  const busy = tickOf(
    spec({ queues: [{ name: 'celery', waitGoalMs: 10_000 }], max: 3 }),
    seen(400, [
      replica('a', { active: { kind: 'reading', value: 4, atMs: NOW - 2_500 } }),
      replica('b', { cordoned: true }),
      replica('c', { phase: 'starting', onlineAtMs: null, nodename: null }),
      replica('d', { phase: 'stuck', why: 'ImagePullBackOff: Back-off pulling image "x"', onlineAtMs: null, slots: null }),
      replica('e', { phase: 'stuck', why: 'something <odd>', onlineAtMs: null }),
    ]),
  );

  it('show tasks, slots, stages and ages of a pool', async () => {
    const { series } = await scrape([busy]);
    const expected: Record<string, number> = {
      'celeriac_pool_ready_tasks{pool="default"}': 400,
      'celeriac_pool_active_tasks{pool="default"}': 4,
      'celeriac_pool_slots{pool="default",state="ready"}': 4,
      'celeriac_pool_slots{pool="default",state="draining"}': 4,
      'celeriac_pool_slots{pool="default",state="starting"}': 4,
      'celeriac_pool_slots{pool="default",state="stuck"}': 8,
      'celeriac_pool_replicas{pool="default",state="stuck"}': 2,
      'celeriac_stuck_replicas{pool="default",reason="ImagePullBackOff"}': 1,
      'celeriac_stuck_replicas{pool="default",reason="Other"}': 1,
      'celeriac_decision_replicas{pool="default",stage="raw"}': 101,
      'celeriac_decision_replicas{pool="default",stage="schedule"}': 3,
      'celeriac_decision_replicas{pool="default",stage="applied"}': 3,
      'celeriac_decision_replicas{pool="default",stage="current"}': 3,
      'celeriac_limited{pool="default",reason="max"}': 1,
      'celeriac_held{pool="default"}': 0,
      'celeriac_signal_age_seconds{pool="default",source="queues"}': 0,
      'celeriac_signal_age_seconds{pool="default",source="heartbeats"}': 2.5,
      celeriac_leader: 1,
      celeriac_workers: 2,
      celeriac_turn_duration_seconds_count: 1,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)]))).toEqual(expected);
  });

  it('show what waits in each queue, what was put away, and what the broker does when it is full', async () => {
    const two = spec({ queues: ['celery', 'other'].map((name) => ({ name, waitGoalMs: 2_500 })) });
    const unknown = { name: 'other', ready: unavailable('gone', NOW - 7_000) };
    const tick = tickOf(two, seen(7, [], { queues: [{ name: 'celery', ready: reading(7, NOW) }, unknown] }));
    const brokerFacts = { quarantined: new Map([['celery', 3]]), memoryPolicy: 'volatile-lru' };
    const { series, text } = await scrape([tick], { brokerFacts });
    expect(series.get('celeriac_queue_ready{pool="default",queue="celery"}')).toBe(7);
    expect(series.get('celeriac_queue_quarantined{pool="default",queue="celery"}')).toBe(3);
    expect(series.get('celeriac_queue_wait_goal_seconds{pool="default",queue="other"}')).toBe(2.5);
    // What is not known is not there.
    expect(text).not.toMatch(/celeriac_queue_(ready|quarantined)\{pool="default",queue="other"/);
    expect(series.get('celeriac_broker_memory_policy{policy="volatile-lru"}')).toBe(1);
    expect(series.get('celeriac_broker_evicts')).toBe(1);
    const safe = await scrape([tick], { brokerFacts: { ...brokerFacts, memoryPolicy: 'noeviction' } });
    expect(safe.series.get('celeriac_broker_evicts')).toBe(0);
    const silent = await scrape([tick]);
    expect(silent.text).not.toMatch(/^celeriac_broker_|^celeriac_queue_quarantined/m);
  });

  it('show what bounds a pool, by its schedule too, and how much of it works', async () => {
    const replicas = [
      replica('a', { active: reading(3, NOW) }),
      replica('b', { active: unavailable('no heartbeat', NOW) }),
      replica('c'),
      replica('d', { phase: 'starting', onlineAtMs: null }),
    ];
    const schedule = { min: 2, max: 5, text: 'by day', untilMs: null };
    const { series } = await scrape([tickOf(spec({ mode: 'dry-run' }), seen(400, replicas, { schedule }))]);
    const of = (name: string): number | undefined => series.get(`celeriac_pool_${name}{pool="default"}`);
    expect([of('replicas_min'), of('replicas_max'), of('wanted_replicas')]).toEqual([2, 5, 5]);
    expect([of('busy_replicas'), of('idle_replicas'), of('busy_slots')]).toEqual([2, 1, 7]);
  });

  it('have what must stay 0 at 0 from the start, and count it when it happens', async () => {
    const tally = createTally();
    const tick = tickOf(spec(), seen(0));
    const metrics = await createMetrics(source([tick], { tally }), identity);
    const before = seriesOf(await pageOf(metrics));
    for (const cause of ['scale-in', 'eviction', 'oom', 'rollout', 'deletion', 'crash']) {
      expect(before.get(`celeriac_tasks_killed_total{pool="default",cause="${cause}"}`)).toBe(0);
    }
    expect(before.get('celeriac_wrong_victims_total{pool="default"}')).toBe(0);
    expect(before.get('celeriac_scale_writes_total{pool="default",result="conflict"}')).toBe(0);
    tally.of('default').add('tasks_killed', 'eviction', 3);
    tally.of('default').add('scale_writes', 'written');
    const after = seriesOf(await pageOf(metrics));
    expect(after.get('celeriac_tasks_killed_total{pool="default",cause="eviction"}')).toBe(3);
    expect(after.get('celeriac_scale_writes_total{pool="default",result="written"}')).toBe(1);
  });

  it("have KEDA's names and labels when asked for, exactly, and ours in the same shape always", async () => {
    const without = await scrape([busy]);
    expect(without.text).not.toContain('keda_');
    const { text } = await scrape([busy], {}, { kedaNames: true });
    const named = [...text.matchAll(/^# TYPE (keda_\S+)/gm)].map((match) => match[1]);
    expect(new Set(named)).toEqual(new Set(kedaMetrics.map(({ name }) => name)));
    for (const { name, type, labels } of kedaMetrics) {
      for (const shown of name === 'keda_build_info' ? [name] : [name, name.replace('keda_', 'celeriac_')]) {
        expect(text).toContain(`# TYPE ${shown} ${type}\n`);
        const first = new RegExp(`^${shown}\\{(.*)\\} `, 'm').exec(text)?.[1] ?? '';
        expect(
          [...first.matchAll(/(\w+)="/g)].map((match) => match[1]),
          shown,
        ).toEqual(labels);
      }
    }
    expect(text).toContain(
      'keda_scaler_metrics_value{namespace="apps",metric="s0-redis-celery",scaledObject="default",scaler="redisScaler",triggerIndex="0",type="scaledobject"} 400\n',
    );
  });

  it('name a queue as KEDA would, and its last value not at all while it is unknown', async () => {
    const named = spec({ queues: [{ name: 'a/b.c:d%(e)', waitGoalMs: 1_000 }] });
    const unknown = seen(0, [], { queues: [{ name: 'a/b.c:d%(e)', ready: unavailable('gone', NOW - 7_000) }] });
    const { text, series } = await scrape([tickOf(named, unknown)], {}, { broker: 'amqp' });
    const labels =
      '{namespace="apps",metric="s0-rabbitmq-a-b-c-d--e-",scaledObject="default",scaler="rabbitMQScaler",triggerIndex="0",type="scaledobject"}';
    expect(series.get(`celeriac_scaler_detail_errors_total${labels}`)).toBe(1);
    expect(series.get('celeriac_scaled_object_errors_total{namespace="apps",scaledObject="default"}')).toBe(1);
    expect(series.get('celeriac_signal_age_seconds{pool="default",source="queues"}')).toBe(7);
    expect(text).not.toContain(`celeriac_scaler_metrics_value${labels}`);
    expect(text).not.toContain('celeriac_pool_ready_tasks{');
  });

  it('time cold starts of replicas asked for since the start, each once', async () => {
    const young = replica('young', { startedAtMs: NOW + 1_000, onlineAtMs: NOW + 4_000 });
    const tick = tickOf(spec(), seen(0, [replica('old'), young]));
    const idle = tickOf(spec({ pool: 'idle' }), seen(0, []));
    const metrics = await createMetrics(source([tick, idle]), identity);
    for (const one of [tick, tick, idle]) metrics.observe(one);
    const series = seriesOf(await pageOf(metrics));
    expect(series.get('celeriac_cold_start_seconds_count{pool="idle"}')).toBe(0);
    expect(series.get('celeriac_cold_start_seconds_count{pool="default"}')).toBe(1);
    expect(series.get('celeriac_cold_start_seconds_sum{pool="default"}')).toBe(3);
  });

  it('forget pools that are gone, and all of them while somebody else leads', async () => {
    const pools = new Map([['default', busy]]);
    const lease = { held: true, holder: null };
    const metrics = await createMetrics(source([], { pools, lease }), identity);
    metrics.observe(busy);
    expect(await pageOf(metrics)).toContain('"default"');
    const other = { ...busy, pool: 'other', spec: { ...busy.spec, pool: 'other' } };
    pools.clear();
    pools.set('other', other);
    const renamed = await pageOf(metrics);
    expect(renamed).not.toContain('"default"');
    expect(renamed).toContain('"other"');
    lease.held = false;
    const standby = await pageOf(metrics);
    expect(standby).not.toMatch(/"other"|^celeriac_leader 1$/m);
    // Only of itself: no series that the leader has as well would add up with it.
    const names = [...seriesOf(standby).keys()].map((one) => one.replace(/\{.*/, ''));
    const ofItself = new Set(Object.values(AUTOSCALER_METRICS).map(({ name }) => name));
    expect(names.filter((name) => !ofItself.has(name.replace(/_(bucket|sum|count)$/, '') as never))).toEqual([]);
  });

  it('keep two scrapes at a time apart', async () => {
    const metrics = await createMetrics(source([busy]), identity);
    const texts = await Promise.all([pageOf(metrics), pageOf(metrics), pageOf(metrics)]);
    for (const text of texts) expect(seriesOf(text).get('celeriac_pool_active_tasks{pool="default"}')).toBe(4);
  });
});
