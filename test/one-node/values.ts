// The chart's values for the tests on a real cluster: pools small enough for one node, and times short enough for a test.

import type { ReachableBroker } from './broker.ts';
import type { OneNode } from './cluster.ts';

/** As they would be in values.yaml. */
export type Values = Readonly<Record<string, unknown>>;

export const MAX_REPLICAS = 4;

export function defaultValues(cluster: OneNode, broker: ReachableBroker, changed: Values = {}): Values {
  const { images } = cluster;
  return {
    image: imageOf(images.tasks),
    broker: { url: broker.url },
    resultBackend: { url: broker.backend },
    autoscaler: {
      image: imageOf(images.autoscaler),
      resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
    },
    defaults: {
      app: 'tasks.ts',
      concurrency: 2,
      terminationGracePeriodSeconds: 65,
      resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '512Mi' } },
      probes: { readiness: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1 } },
      scaling: {
        min: 0,
        max: MAX_REPLICAS,
        goal: { queueWait: '4s', expectedTaskTime: '1s', expectedStartTime: '3s' },
        idleToZero: '5s',
        downDelay: '4s',
      },
      env: { E2E_ROUND: 'first' },
    },
    pools: poolsOf(cluster, {}),
    tests: { pool: 'node', task: 'e2e.environment', args: '["E2E_ROUND"]', timeoutSeconds: 180 },
    ...changed,
  };
}

/** A change that a user makes: another environment for the Node pool. */
export function withEnvironment(cluster: OneNode, round: string): Values {
  return { pools: poolsOf(cluster, { env: { E2E_ROUND: round } }) };
}

function poolsOf({ images }: OneNode, node: Values): Values {
  return {
    node: { queues: ['jobs'], ...node },
    python: { kind: 'python', app: 'app', queues: ['snakes'], image: imageOf(images.python) },
  };
}

/** Registry, repository and tag of `docker.io/local/name:tag`. */
export function imageOf(name: string): Values {
  const [, registry, repository, tag] = /^([^/]+)\/(.+):([^:/]+)$/.exec(name) ?? [];
  if (tag === undefined) throw new Error(`not a full name of an image: ${name}`);
  return { registry, repository, tag, pullPolicy: 'IfNotPresent' };
}
