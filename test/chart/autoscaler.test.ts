// What belongs to the autoscaler: its Deployment, what it may do, and how it is reached.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../kubernetes/objects.ts';
import { minimal, withPool } from './minimal.ts';
import { type Container, containerOf, environmentOf, flagValue, podOf } from './pods.ts';
import { type Rendered, render, type Values } from './render.ts';

const NAME = 'demo-celeriac-autoscaler';

async function autoscaler(values: Values, more: Values = {}): Promise<Container> {
  return containerOf(podOf(await render({ ...minimal, ...more, autoscaler: values }), NAME), 'autoscaler');
}

describe.concurrent('the Deployment', () => {
  it('has two replicas that prefer different nodes, and are replaced one by one', async () => {
    const rendered = await render(minimal);
    const { spec } = rendered.one('Deployment', NAME);
    expect(spec).toMatchObject({ replicas: 2, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    const matchLabels = (spec?.['selector'] as Values | undefined)?.['matchLabels'];
    const podAffinityTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } };
    expect(podOf(rendered, NAME).spec['affinity']).toEqual({
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
    });
  });

  it('serves HTTP and the metrics of celery-exporter, under the name of its pod', async () => {
    const container = await autoscaler({});
    expect(container.args?.slice(0, 3)).toEqual(['autoscale', '-f', '/etc/celeriac/pools.yaml']);
    expect(flagValue(container, '--http')).toBe('0.0.0.0:9810');
    expect(flagValue(container, '--celery-metrics')).toBe('0.0.0.0:9808');
    expect(flagValue(container, '--pod-name')).toBe('$(POD_NAME)');
    expect(flagValue(container, '-l')).toBe('info');
    expect(environmentOf(container)).toMatchObject({ POD_NAME: { fieldRef: { fieldPath: 'metadata.name' } } });
    expect(container.ports).toEqual([
      { name: 'http', containerPort: 9810 },
      { name: 'celery-metrics', containerPort: 9808 },
    ]);
    expect(container.image).toBe('celeriac/autoscaler:0.1.0');
  });

  it('serves no metrics of celery-exporter where that keeps running', async () => {
    const rendered = await render({ ...minimal, metrics: { celeryCompat: false } });
    const container = containerOf(podOf(rendered, NAME));
    expect(container.args).not.toContain('--celery-metrics');
    expect(container.ports).toHaveLength(1);
    expect(rendered.one('Service', NAME).spec?.['ports']).toHaveLength(1);
  });

  it("takes KEDA's metric names, further arguments, level and environment", async () => {
    const container = await autoscaler({ kedaMetrics: true, args: ['--dry-run'], logLevel: 'debug', env: { A: 10_000_000, POD_IP: 'x' } });
    expect(container.args).toContain('--keda-metrics');
    expect(container.args?.at(-1)).toBe('--dry-run');
    expect(flagValue(container, '-l')).toBe('debug');
    expect(environmentOf(container)).toMatchObject({ A: '10000000', POD_IP: 'x' });
    expect((await autoscaler({})).args).not.toContain('--keda-metrics');
  });

  it('reads the token of orders from a Secret, and has none by default', async () => {
    const rendered = await render({ ...minimal, autoscaler: { orderToken: { existingSecret: 'orders', key: 'bearer' } } });
    const pod = podOf(rendered, NAME);
    const file = flagValue(containerOf(pod), '--http-token-file') ?? '';
    const mount = containerOf(pod).volumeMounts?.find(({ mountPath }) => file.startsWith(`${mountPath}/`));
    const volume = (pod.spec['volumes'] as readonly Values[]).find(({ name }) => name === mount?.name);
    const path = file.slice((mount?.mountPath ?? '').length + 1);
    expect(volume?.['secret']).toMatchObject({ secretName: 'orders', items: [{ key: 'bearer', path }] });
    expect((await autoscaler({})).args).not.toContain('--http-token-file');
  });

  it("reads the broker's URL from a whole mounted Secret, so that it can change while it runs", async () => {
    for (const [broker, secretName, key] of [
      [{ url: 'redis://r' }, 'demo-celeriac-broker', 'url'],
      [{ existingSecret: { name: 'b', key: 'uri' } }, 'b', 'uri'],
    ] as const) {
      const rendered = await render({ ...minimal, broker });
      const pod = podOf(rendered, NAME);
      const volume = (pod.spec['volumes'] as readonly Values[]).find(({ name }) => name === 'broker');
      expect(volume?.['secret']).toMatchObject({ secretName, items: [{ key, path: 'url' }] });
      const mount = containerOf(pod).volumeMounts?.find(({ name }) => name === 'broker') as Values;
      // A mount by subPath would never be updated.
      expect(mount).toEqual({ name: 'broker', mountPath: '/run/secrets/celeriac/broker', readOnly: true });
      expect(environmentOf(containerOf(pod))).not.toHaveProperty('CELERY_BROKER_URL');
    }
  });

  it('has its own image, in the registry of the chart where it names none', async () => {
    expect((await autoscaler({ image: { tag: '2' } }, { image: { registry: 'r.example' } })).image).toBe('r.example/celeriac/autoscaler:2');
    expect((await autoscaler({ image: { registry: 'own' } }, { image: { registry: 'r.example', tag: '9' } })).image).toBe(
      'own/celeriac/autoscaler:0.1.0',
    );
  });

  it('is placed and shaped by its values', async () => {
    const values = {
      replicas: 1,
      resources: { requests: null, limits: { memory: '1Gi' } },
      nodeSelector: { a: 'b' },
      tolerations: [{ key: 'x' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      podAnnotations: { p: '1' },
      podLabels: { l: '1' },
      serviceAnnotations: { s: '1' },
      podSecurityContext: { runAsUser: null },
    };
    const rendered = await render({ ...minimal, autoscaler: values });
    const pod = podOf(rendered, NAME);
    expect(pod.spec).toMatchObject({
      nodeSelector: { a: 'b' },
      tolerations: [{ key: 'x' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
    });
    expect(pod.spec['securityContext']).not.toHaveProperty('runAsUser');
    expect(containerOf(pod)['resources']).toEqual({ limits: { memory: '1Gi' } });
    expect(pod.annotations).toMatchObject({ p: '1' });
    expect(pod.labels).toMatchObject({ l: '1' });
    expect(rendered.one('Service', NAME).metadata.annotations).toEqual({ s: '1' });
    // One replica alone: a budget would keep its node from being drained for ever.
    expect(rendered.of('PodDisruptionBudget')).toEqual([]);
  });

  it('and all that belongs to it is left out where it is disabled', async () => {
    const { objects } = await render({ ...withPool({ scaling: { by: 'none' } }), autoscaler: { enabled: false } });
    const left = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
    const test = left.filter((name) => name.startsWith('Pod '));
    expect(left.filter((name) => !test.includes(name))).toEqual([
      'Deployment demo-celeriac-mail',
      'Secret demo-celeriac-broker',
      'ServiceAccount demo-celeriac-mail',
    ]);
  });
});

describe.concurrent('a change of its configuration', () => {
  const look = async (values: Values): Promise<{ readonly file: string; readonly checksum: string | undefined }> => {
    const rendered = await render(values);
    const file = (rendered.one('ConfigMap', NAME)['data'] as Readonly<Record<string, string>>)['pools.yaml'] as string;
    return { file, checksum: podOf(rendered, NAME).annotations['checksum/config'] };
  };

  const CHANGES: Readonly<Record<string, Values>> = {
    'max of a pool': withPool({ scaling: { max: 11 } }),
    'max of all': { ...withPool({}), defaults: { app: 'tasks.ts', scaling: { max: 11 } } },
    'a queue': withPool({ queues: ['mail', 'more'] }),
    concurrency: withPool({ concurrency: 5 }),
    'a budget': { ...withPool({ budget: { from: 'all' } }), budgets: { all: { replicas: 5 } } },
    'the lease': { ...withPool({}), autoscaler: { lease: { duration: '20s' } } },
    'options of the broker': { ...withPool({}), broker: { url: 'redis://redis:6379/0', transportOptions: { globalKeyprefix: 'x' } } },
    'who scales it': withPool({ scaling: { by: 'none' } }),
  };
  const OTHERS: Readonly<Record<string, Values>> = {
    'an image': withPool({ image: { tag: '2' } }),
    'environment of a pool': withPool({ env: { A: '1' } }),
    'resources of the autoscaler': { ...withPool({}), autoscaler: { resources: { limits: { memory: '2Gi' } } } },
    'what it logs': { ...withPool({}), autoscaler: { logLevel: 'debug' } },
    "the broker's URL, which it reads anew by itself": { ...withPool({}), broker: { url: 'redis://other' } },
    'grace of a pool': withPool({ terminationGracePeriodSeconds: 700 }),
    monitors: { ...withPool({}), metrics: { serviceMonitor: { enabled: true } } },
  };

  it.each(Object.entries(CHANGES))('replaces its pods: %s', async (_, values) => {
    const [before, after] = await Promise.all([look(withPool({})), look(values)]);
    expect(after.file).not.toBe(before.file);
    expect(after.checksum).not.toBe(before.checksum);
    expect(after.checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(Object.entries(OTHERS))('is not: %s', async (_, values) => {
    const [before, after] = await Promise.all([look(withPool({})), look(values)]);
    expect(after).toEqual(before);
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** `GROUP RESOURCE VERB`, with the name where a rule gives one. */
function permissions(role: KubeObject | undefined): readonly string[] {
  const rules = role?.['rules'] as readonly Rule[];
  const all = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.flatMap((verb) => resourceNames.map((name) => `${group} ${resource} ${verb} ${name}`.trim()))),
    ),
  );
  expect(new Set(all).size, 'a permission twice').toBe(all.length);
  return all.toSorted();
}

function rolesOf(rendered: Rendered): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(rendered.of('Role').map((role) => [role.metadata.namespace, permissions(role)]));
}

describe.concurrent('what it may do', () => {
  it('is what the example says, with the names of Deployments and of the lease', async () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../examples/kubernetes/rbac.yaml'), 'utf8');
    const example = parseAllDocuments(text)
      .map((document) => document.toJS() as KubeObject)
      .find(({ kind }) => kind === 'Role');
    const rendered = await render({ ...minimal, pools: { a: { queues: ['a'] }, b: { queues: ['b'] } } });
    const expected = permissions(example).flatMap((permission) => {
      if (permission.startsWith('apps deployments/scale ')) return [`${permission} demo-celeriac-a`, `${permission} demo-celeriac-b`];
      return [permission.replace(/celeriac-autoscaler$/, NAME)];
    });
    expect(rolesOf(rendered)).toEqual({ jobs: expected.toSorted() });
    expect(rendered.of('ClusterRole')).toEqual([]);
    expect(rendered.of('ClusterRoleBinding')).toEqual([]);
  });

  it('is bound to its account', async () => {
    const rendered = await render(minimal);
    const account = String(podOf(rendered, NAME).spec['serviceAccountName']);
    const binding = rendered.of('RoleBinding')[0];
    expect(rendered.of('RoleBinding')).toHaveLength(1);
    expect(binding?.['subjects']).toEqual([{ kind: 'ServiceAccount', name: account, namespace: 'jobs' }]);
    expect(binding?.['roleRef']).toEqual({
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Role',
      name: rendered.of('Role')[0]?.metadata.name,
    });
    rendered.one('ServiceAccount', account);
    expect(podOf(rendered, NAME).spec['automountServiceAccountToken']).toBe(true);
  });

  it('is no write to Deployments that KEDA or nobody scales', async () => {
    const pools = { keda: { queues: ['k'], scaling: { by: 'keda' } }, fixed: { queues: ['f'], scaling: { by: 'none' } } };
    const roles = rolesOf(await render({ ...minimal, pools }));
    expect(roles['jobs']?.filter((permission) => permission.includes('scale') && permission.startsWith('apps'))).toEqual([]);
    const mixed = rolesOf(await render({ ...minimal, pools: { ...pools, own: { queues: ['o'] } } }));
    expect(mixed['jobs']?.filter((permission) => permission.startsWith('apps deployments/scale'))).toEqual([
      'apps deployments/scale get demo-celeriac-own',
      'apps deployments/scale patch demo-celeriac-own',
    ]);
  });

  it('is said for each namespace that has a Deployment, and the lease only for its own', async () => {
    const pools = {
      own: { queues: ['o'] },
      theirs: { queues: ['t'], existingDeployment: { name: 'legacy-worker', namespace: 'legacy' } },
    };
    const rendered = await render({ ...minimal, pools });
    const roles = rolesOf(rendered);
    expect(Object.keys(roles).toSorted()).toEqual(['jobs', 'legacy']);
    expect(roles['legacy']).toContain('apps deployments/scale patch legacy-worker');
    expect(roles['legacy']?.filter((permission) => permission.startsWith('coordination'))).toEqual([]);
    expect(roles['jobs']?.filter((permission) => permission.includes('legacy'))).toEqual([]);
    expect(roles['legacy']?.filter((permission) => permission.includes('demo-celeriac'))).toEqual([]);
    for (const binding of rendered.of('RoleBinding')) {
      expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: NAME, namespace: 'jobs' }]);
    }
  });

  it('is not made where others make it, and neither is the account', async () => {
    const rendered = await render({ ...minimal, autoscaler: { rbac: { create: false }, serviceAccount: { create: false, name: 'mine' } } });
    for (const kind of ['Role', 'RoleBinding']) expect(rendered.of(kind)).toEqual([]);
    expect(rendered.of('ServiceAccount').map(({ metadata }) => metadata.name)).toEqual(['demo-celeriac-default']);
    expect(podOf(rendered, NAME).spec['serviceAccountName']).toBe('mine');
  });
});

describe.concurrent('how it is reached', () => {
  it('is a Service of all its pods and one of the leader, who is ready', async () => {
    const rendered = await render(minimal);
    const all = rendered.one('Service', NAME).spec ?? {};
    const leader = rendered.one('Service', `${NAME}-leader`).spec ?? {};
    expect(leader['selector']).toEqual({ ...(all['selector'] as Values), 'celeriac.dev/role': 'leader' });
    expect(all['ports']).toEqual([
      { name: 'http', port: 9810, targetPort: 'http' },
      { name: 'celery-metrics', port: 9808, targetPort: 'celery-metrics' },
    ]);
    expect(leader['publishNotReadyAddresses'] ?? false).toBe(false);
    // The template must not claim it: a pod says that it leads when it does.
    expect(podOf(rendered, NAME).labels).not.toHaveProperty('celeriac.dev/role');
  });

  it('stays so while nodes are drained', async () => {
    expect((await render(minimal)).one('PodDisruptionBudget', NAME).spec).toMatchObject({ maxUnavailable: 1 });
    const off = await render({ ...minimal, autoscaler: { podDisruptionBudget: { enabled: false } } });
    expect(off.of('PodDisruptionBudget')).toEqual([]);
    const share = await render({ ...minimal, autoscaler: { podDisruptionBudget: { maxUnavailable: '50%' } } });
    expect(share.one('PodDisruptionBudget', NAME).spec).toMatchObject({ maxUnavailable: '50%' });
  });
});
