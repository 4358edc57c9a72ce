// What is wrong with values each of which is right by itself: one rule, one sentence that says what to change.

import { describe, expect, it } from 'vitest';
import { CHART, HELMS, type Helm, runProgram } from './helm.ts';
import { minimal, withPool } from './minimal.ts';
import { type RenderOptions, refusal, render, type Values } from './render.ts';

interface Rule {
  /** Values that break it. */
  readonly values: Values;
  /** What Helm says. */
  readonly says: string;
  /** Values next to them that do not. */
  readonly right?: Values;
  readonly options?: RenderOptions;
}

const pools = (of: Values): Values => ({ ...minimal, pools: of });
const python = (more: Values): Values => withPool({ kind: 'python', app: 'proj', image: { repository: 'shop/proj', tag: '1' }, ...more });
const night = { from: '0 22 * * *', to: '0 6 * * *' };
const noKinds = { customKinds: false };

const RULES: Readonly<Record<string, Rule>> = {
  'no broker': {
    values: { ...minimal, broker: {} },
    says: 'no broker; set broker.url, or broker.existingSecret.name to a Secret that holds the URL',
    right: { ...minimal, broker: { existingSecret: { name: 'broker' } } },
  },
  'two brokers': {
    values: { ...minimal, broker: { url: 'redis://redis', existingSecret: { name: 'broker' } } },
    says: 'broker.url and broker.existingSecret.name are both set; keep one of them',
  },
  'two result backends': {
    values: { ...minimal, resultBackend: { url: 'redis://redis', existingSecret: { name: 'results' } } },
    says: 'resultBackend.url and resultBackend.existingSecret.name are both set; keep one of them',
    right: { ...minimal, resultBackend: { url: 'redis://redis' } },
  },
  'no pools': { values: pools({}), says: 'no pools; add one, such as pools: { default: { queues: [celery] } }' },
  'no queues': { values: pools({ mail: {} }), says: 'pools.mail has no queues; set pools.mail.queues, such as [celery]' },
  'a queue twice in a pool': { values: withPool({ queues: ['a', 'a'] }), says: 'pools.mail names queue "a" twice; remove one' },
  'a queue in two pools': {
    values: pools({ bulk: { queues: ['a', 'b'] }, mail: { queues: ['b', 'c'] } }),
    says: 'queue "b" is in pools bulk and mail; a queue belongs to one pool',
    right: pools({ bulk: { queues: ['a'] }, mail: { queues: ['b', 'c'] } }),
  },
  'two pools of one Deployment': {
    values: pools({
      bulk: { queues: ['a'], existingDeployment: { name: 'w' } },
      mail: { queues: ['b'], existingDeployment: { name: 'w' } },
    }),
    says: 'pools bulk and mail scale the same Deployment jobs/w',
    right: pools({
      bulk: { queues: ['a'], existingDeployment: { name: 'w' } },
      mail: { queues: ['b'], existingDeployment: { name: 'w', namespace: 'other' } },
    }),
  },
  'min above max': {
    values: withPool({ scaling: { min: 11 } }),
    says: 'pools.mail.scaling.min is 11, above max, which is 10; lower min or raise max',
    right: withPool({ scaling: { min: 10 } }),
  },
  'min of the pool above max of defaults': {
    values: { ...withPool({ scaling: { min: 3 } }), defaults: { app: 'tasks.ts', scaling: { max: 2 } } },
    says: 'pools.mail.scaling.min is 3, above max, which is 2',
  },
  'fallback above max': {
    values: withPool({ scaling: { max: 4, fallback: { replicas: 5 } } }),
    says: 'pools.mail.scaling.fallback.replicas is 5, above max, which is 4',
    right: withPool({ scaling: { max: 5, fallback: { replicas: 5 } } }),
  },
  'a fallback without a number': {
    values: withPool({ scaling: { fallback: { after: '1m' } } }),
    says: 'pools.mail.scaling.fallback has no replicas; say how many to run while signals are missing',
    right: withPool({ scaling: { fallback: { replicas: 0 } } }),
  },
  'a schedule without bounds': {
    values: withPool({ scaling: { schedules: [{ ...night, min: 1 }, night] } }),
    says: 'pools.mail.scaling.schedules[1] says neither min nor max; give one or both',
    right: withPool({ scaling: { schedules: [{ ...night, min: 1 }] } }),
  },
  'a schedule with min above max': {
    values: withPool({ scaling: { schedules: [{ ...night, min: 11 }] } }),
    says: 'pools.mail.scaling.schedules[0]: min is 11, above max, which is 10; lower min or raise max',
    right: withPool({ scaling: { schedules: [{ ...night, min: 11, max: 11 }] } }),
  },
  "a goal for another pool's queue": {
    values: withPool({ scaling: { goal: { queues: { bulk: '1m' } } } }),
    says: `pools.mail.scaling.goal.queues names "bulk", which is not one of the pool's queues; correct the name`,
    right: withPool({ scaling: { goal: { queues: { mail: '1m' } } } }),
  },
  'a budget of what no replica says it has': {
    values: { ...withPool({ budget: { from: 'all' } }), budgets: { all: { cpu: 10 } } },
    says: 'budget all limits cpu, and pools.mail does not say what one replica has; set pools.mail.size.cpu',
    right: { ...withPool({ budget: { from: 'all' }, size: { cpu: 1 } }), budgets: { all: { cpu: 10 } } },
  },
  'a renewal that is too late for the lease': {
    values: { ...minimal, autoscaler: { lease: { duration: '10s' } } },
    says: 'autoscaler.lease.renewDeadline is 10s, not shorter than duration, which is 10s; lower it',
    right: { ...minimal, autoscaler: { lease: { duration: '10.5s' } } },
  },
  'tries too rare for the lease': {
    values: { ...minimal, autoscaler: { lease: { retryPeriod: '6s' } } },
    says: 'autoscaler.lease.retryPeriod is 6s, more than half of renewDeadline, which is 10s; lower it',
    right: { ...minimal, autoscaler: { lease: { retryPeriod: '5000ms' } } },
  },
  'a password among the options of the broker': {
    values: { ...minimal, broker: { url: 'sentinel://s', transportOptions: { sentinelKwargs: { password: 'x' } } } },
    says: 'broker.transportOptions.sentinelKwargs.password would be readable in a ConfigMap and in arguments; put it into a Secret, and its name into sentinel.secret',
    right: { ...minimal, broker: { url: 'sentinel://s', transportOptions: { masterName: 'x' } } },
  },
  'a password among the options of the result backend': {
    values: { ...minimal, resultBackend: { url: 'redis://s', transportOptions: { userPassword: 'x' } } },
    says: 'resultBackend.transportOptions.userPassword would be readable in a ConfigMap and in arguments',
  },
  'Python without an image that has it': {
    values: withPool({ kind: 'python', app: 'proj' }),
    says: 'pools.mail is of kind python, and its image celeriac/worker has no Python; set pools.mail.image.repository to yours',
    right: python({}),
  },
  'nobody to scale': {
    values: { ...minimal, autoscaler: { enabled: false } },
    says: 'pools.default.scaling.by is celeriac and autoscaler.enabled is false; enable the autoscaler, or set by: none and pools.default.replicas',
    right: { ...withPool({ scaling: { by: 'none' } }), autoscaler: { enabled: false } },
  },
  'replicas of a pool that is scaled': {
    values: withPool({ replicas: 3 }),
    says: 'pools.mail.replicas is set and pools.mail.scaling.by is celeriac, so nobody would heed it; set pools.mail.scaling.min, or by: none',
    right: withPool({ replicas: 3, scaling: { by: 'none' } }),
  },
  'mode of a pool that KEDA scales': {
    values: withPool({ scaling: { by: 'keda', mode: 'up-only' } }),
    says: 'pools.mail.scaling.mode has no meaning with by: keda',
    right: withPool({ scaling: { by: 'keda', mode: 'on' } }),
  },
  'keda of a pool that it does not scale': {
    values: withPool({ keda: { pollingInterval: 10 } }),
    says: 'pools.mail.keda is set and pools.mail.scaling.by is celeriac; set by: keda, or remove it',
    right: withPool({ keda: { pollingInterval: 10 }, scaling: { by: 'keda' } }),
  },
  'a budget that is not there': {
    values: withPool({ budget: { from: 'gpus' } }),
    says: 'pools.mail.budget.from is "gpus", which is not in budgets; add it there or correct the name',
    right: { ...withPool({ budget: { from: 'all' } }), budgets: { all: { replicas: 10 } } },
  },
  'a budget without its name': { values: withPool({ budget: { tier: 2 } }), says: 'pools.mail.budget.from is ""' },
  'a pool in place of the autoscaler': {
    values: withPool({}, 'autoscaler'),
    says: 'a pool must not be called autoscaler, whose Deployment has that name; rename pools.autoscaler',
  },
  'too long a name': {
    values: withPool({}, 'a'.repeat(50)),
    says: `pools.${'a'.repeat(50)}: the name demo-celeriac-${'a'.repeat(50)} has 64 characters, at most 63 are possible`,
    right: withPool({}, 'a'.repeat(49)),
  },
  'no task module': {
    values: { ...minimal, defaults: {} },
    says: 'pools.default.app is missing; say which module holds its tasks, such as app: tasks.ts (or set defaults.app)',
    right: { ...withPool({ command: ['my-worker'] }), defaults: {} },
  },
  'no module of Python': {
    values: python({ app: null }),
    says: 'pools.mail.app is missing; say which module holds its tasks, such as app: proj',
  },
  'a grace shorter than the hard time limit': {
    values: withPool({ timeLimitSeconds: 600 }),
    says: 'pools.mail.terminationGracePeriodSeconds is 600, but tasks may run for 600 s (timeLimitSeconds) and a worker needs 35 s more to end; set it to at least 635',
    right: withPool({ timeLimitSeconds: 565 }),
  },
  'too short a grace for Python': {
    values: python({ terminationGracePeriodSeconds: 64 }),
    says: 'pools.mail.terminationGracePeriodSeconds is 64; a Python worker can need 65 s to end without a task; set it to at least 65',
    right: python({ terminationGracePeriodSeconds: 65 }),
  },
  'too short a grace': {
    values: withPool({ terminationGracePeriodSeconds: 14 }),
    says: 'pools.mail.terminationGracePeriodSeconds is 14; a worker drains for 10 s less than that; set it to at least 15',
    right: withPool({ terminationGracePeriodSeconds: 15 }),
  },
  'a soft time limit that is not below the hard one': {
    values: withPool({ timeLimitSeconds: 60, softTimeLimitSeconds: 60 }),
    says: 'pools.mail.softTimeLimitSeconds is 60, not below timeLimitSeconds, which is 60; lower it',
    right: withPool({ timeLimitSeconds: 60, softTimeLimitSeconds: 59 }),
  },
  'the broker in env': {
    values: withPool({ env: { CELERY_BROKER_URL: 'redis://other' } }),
    says: "pools.mail.env.CELERY_BROKER_URL would hide the chart's; set broker instead",
  },
  'the result backend in env': {
    values: withPool({ env: { CELERY_RESULT_BACKEND: 'redis://other' } }),
    says: "pools.mail.env.CELERY_RESULT_BACKEND would hide the chart's; set resultBackend instead",
  },
  "pods of a Deployment that is not the chart's": {
    values: withPool({ existingDeployment: { name: 'w' }, image: { tag: '2' } }),
    says: "pools.mail.image has no effect with existingDeployment, whose pods are not the chart's; remove one of the two",
    right: withPool({ existingDeployment: { name: 'w' }, concurrency: 8 }),
  },
  'a test without a task': {
    values: { ...minimal, tests: { task: '' } },
    says: 'tests.task is empty; name a task of the pool that may be called at any time, or set tests.enabled: false',
    right: { ...minimal, tests: { task: '', enabled: false } },
  },
  'a test of a pool that is not there': {
    values: { ...minimal, tests: { pool: 'defualt' } },
    says: 'tests.pool is "defualt", which is not in pools; correct the name',
    right: { ...minimal, tests: { pool: 'default' } },
  },
  'a ServiceMonitor without its kind': {
    values: { ...minimal, metrics: { serviceMonitor: { enabled: true } } },
    options: noKinds,
    says: 'metrics.serviceMonitor.enabled is true, but the cluster does not know monitoring.coreos.com/v1/ServiceMonitor; install the Prometheus operator or set it to false (without a cluster: helm template --api-versions monitoring.coreos.com/v1/ServiceMonitor)',
  },
  'a PodMonitor without its kind': {
    values: { ...minimal, metrics: { podMonitor: { enabled: true } } },
    options: noKinds,
    says: 'metrics.podMonitor.enabled is true, but the cluster does not know monitoring.coreos.com/v1/PodMonitor',
  },
  'alerts without their kind': {
    values: { ...minimal, metrics: { prometheusRule: { enabled: true } } },
    options: noKinds,
    says: 'metrics.prometheusRule.enabled is true, but the cluster does not know monitoring.coreos.com/v1/PrometheusRule',
  },
  'KEDA without its kind': {
    values: withPool({ scaling: { by: 'keda' } }),
    options: noKinds,
    says: 'pools.mail.scaling.by is keda, but the cluster does not know keda.sh/v1alpha1/ScaledObject; install KEDA or set by: celeriac',
  },
};

describe.concurrent('is refused with what to change:', () => {
  // The rules are templates, which both Helms run alike (ci.test.ts); so each is asked of one of them.
  it.each(Object.entries(RULES).map(([name, rule], index) => ({ name, rule, helm: HELMS[index % 2] as Helm })))(
    '$name ($helm)',
    async ({ rule: { values, says, options = {} }, helm }) => {
      expect(await refusal(values, { ...options, helm })).toContain(says);
    },
  );
});

describe.concurrent('what stands next to it is taken:', () => {
  it.each(Object.entries(RULES).flatMap(([name, { right, options = {} }]) => (right === undefined ? [] : [{ name, right, options }])))(
    '$name',
    async ({ right, options }) => {
      expect((await render(right, options)).objects.length).toBeGreaterThan(1);
    },
  );
});

it('all faults are told together', async () => {
  const said = await refusal({ pools: { a: { queues: ['x'] }, b: { queues: ['x'], scaling: { min: 20 } } } });
  for (const part of [
    'no broker',
    'queue "x" is in pools a and b',
    'pools.b.scaling.min is 20',
    'pools.a.app is missing',
    'pools.b.app is missing',
  ])
    expect(said).toContain(part);
  expect(said.trim().split('\n').length).toBeLessThan(12);
});

it.each(HELMS)('the chart without values is refused by %s template, and is no error to lint', async (helm) => {
  expect(await refusal({}, { helm })).toContain('no broker');
  const { code } = await runProgram(helm, ['lint', '--strict', CHART]);
  expect(code).toBe(0);
});
