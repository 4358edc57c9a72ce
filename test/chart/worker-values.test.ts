// What pods of a pool take from its values, and values from `defaults`.

import { describe, expect, it } from 'vitest';
import { minimal, withPool } from './minimal.ts';
import { type Container, containerOf, type PodTemplate, podOf } from './pods.ts';
import { render, type Values } from './render.ts';

async function pod(pool: Values, more: Values = {}): Promise<PodTemplate> {
  return podOf(await render({ ...withPool(pool), ...more }), 'demo-celeriac-mail');
}
async function worker(pool: Values, more: Values = {}): Promise<Container> {
  return containerOf(await pod(pool, more), 'worker');
}

/** What a value of a pool becomes in its pods, where it is Kubernetes' own. */
const IN_POD: Readonly<Record<string, { readonly value: unknown; readonly field?: string }>> = {
  terminationGracePeriodSeconds: { value: 1_234_567 },
  nodeSelector: { value: { disk: 'ssd' } },
  tolerations: { value: [{ key: 'spot', operator: 'Exists' }] },
  affinity: { value: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
  priorityClassName: { value: 'batch' },
  runtimeClassName: { value: 'gvisor' },
  initContainers: { value: [{ name: 'first', image: 'a' }] },
  podSecurityContext: {
    value: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' }, fsGroup: 1 },
    field: 'securityContext',
  },
};
const IN_CONTAINER: Readonly<Record<string, { readonly value: unknown }>> = {
  envFrom: { value: [{ configMapRef: { name: 'settings' } }] },
  resources: { value: { requests: { cpu: 2, memory: '1Gi' }, limits: { memory: '2Gi' } } },
  lifecycle: { value: { preStop: { sleep: { seconds: 1 } } } },
};

describe.concurrent('values that are handed on', () => {
  it.each(Object.entries(IN_POD))('%s, of the pod', async (key, { value, field = key }) => {
    expect((await pod({ [key]: value })).spec[field]).toEqual(value);
  });

  it.each(Object.entries(IN_CONTAINER))('%s, of the container', async (key, { value }) => {
    expect((await worker({ [key]: value }))[key]).toEqual(value);
  });

  it('volumes, beside those of the chart', async () => {
    const template = await pod({ volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath: '/v' }] });
    expect(template.spec['volumes']).toEqual([
      { name: 'tmp', emptyDir: {} },
      { name: 'v', emptyDir: {} },
    ]);
    expect(containerOf(template).volumeMounts).toEqual([
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'v', mountPath: '/v' },
    ]);
  });

  it('sidecars, after the worker', async () => {
    const { spec } = await pod({ sidecars: [{ name: 'proxy', image: 'a' }] });
    expect((spec['containers'] as readonly Container[]).map(({ name }) => name)).toEqual(['worker', 'proxy']);
  });

  it("spread, over the pool's own pods where nothing else is said", async () => {
    const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' };
    const own = { ...constraint, labelSelector: { matchLabels: { a: 'b' } } };
    const template = await pod({ topologySpreadConstraints: [constraint, own] });
    const matchLabels = {
      'app.kubernetes.io/name': 'celeriac',
      'app.kubernetes.io/instance': 'demo',
      'app.kubernetes.io/component': 'worker',
      'celeriac.dev/pool': 'mail',
    };
    expect(template.spec['topologySpreadConstraints']).toEqual([{ ...constraint, labelSelector: { matchLabels } }, own]);
  });

  it('labels and annotations, of pods and of the Deployment', async () => {
    const pool = { podLabels: { tier: 'jobs', 'celeriac.dev/pool': 'other' }, podAnnotations: { p: '1' }, annotations: { d: '1' } };
    const rendered = await render({ ...withPool(pool), commonLabels: { team: 'shop' }, commonAnnotations: { c: '1' } });
    const deployment = rendered.one('Deployment', 'demo-celeriac-mail');
    expect(deployment.metadata.annotations).toEqual({ c: '1', d: '1' });
    const { labels, annotations } = podOf(rendered, 'demo-celeriac-mail');
    expect(labels).toMatchObject({ tier: 'jobs', team: 'shop', 'celeriac.dev/pool': 'mail' });
    expect(annotations).toMatchObject({ p: '1' });
    for (const object of rendered.objects) {
      expect(object.metadata.labels).toMatchObject({ team: 'shop' });
      expect(object.metadata.annotations).toMatchObject({ c: '1' });
    }
  });

  it('strategy and revisions, of the Deployment', async () => {
    const pool = { strategy: { type: 'Recreate', rollingUpdate: null }, revisionHistoryLimit: 0 };
    const { spec } = (await render(withPool(pool))).one('Deployment', 'demo-celeriac-mail');
    expect(spec).toMatchObject({ strategy: { type: 'Recreate' }, revisionHistoryLimit: 0 });
    expect((spec?.['strategy'] as Values | undefined)?.['rollingUpdate']).toBeUndefined();
  });
});

describe.concurrent('inheriting', () => {
  it('merges maps, replaces lists and takes away by null', async () => {
    const defaults = {
      app: 'tasks.ts',
      nodeSelector: { a: '1', b: '2' },
      tolerations: [{ key: 'x' }],
      priorityClassName: 'batch',
      podSecurityContext: { runAsUser: null },
    };
    const { spec } = await pod({ nodeSelector: { b: null, c: '3' }, tolerations: [{ key: 'y' }], priorityClassName: null }, { defaults });
    expect(spec['nodeSelector']).toEqual({ a: '1', c: '3' });
    expect(spec['tolerations']).toEqual([{ key: 'y' }]);
    expect(spec).not.toHaveProperty('priorityClassName');
    expect(spec['securityContext']).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  });

  it('leaves the pods of a pool alone when another pool is added, changed or removed', async () => {
    const one = podOf(await render(minimal), 'demo-celeriac-default');
    const values = { ...minimal, pools: { ...minimal.pools, other: { queues: ['o'], env: { A: '1' }, scaling: { max: 3 } } } };
    expect(podOf(await render(values), 'demo-celeriac-default')).toEqual(one);
  });

  it('is without effect on the pods where only scaling changes', async () => {
    const pods = podOf(await render(withPool({})), 'demo-celeriac-mail');
    expect(await pod({ scaling: { max: 99, mode: 'dry-run' }, target: { startTimeout: '1m' } })).toEqual(pods);
  });
});
