// Every file of ci/ with both Helms: what holds whatever the values are.

import { describe, expect, it } from 'vitest';
import { CHART, HELMS, runProgram, schemaFaults } from './helm.ts';
import { restrictedFaults } from './pod-security.ts';
import { type Container, podTemplates, selectorFaults } from './pods.ts';
import { poolsConfig } from './pools-config.ts';
import { ciFile, ciNames, ciValues, type Rendered, render, type Values } from './render.ts';

/** Fields of values whose text must appear in Secrets only. */
const SECRET_KEYS = /^(url|password)$/;

function secretsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, of]) => {
    if (typeof of !== 'string') return secretsIn(of);
    return SECRET_KEYS.test(key) && of !== '' ? [of, ...passwordsOf(of)] : [];
  });
}

function passwordsOf(url: string): readonly string[] {
  return [...url.matchAll(/:([^:@/]+)@/g)].map(([, password = '']) => password).filter((password) => password !== 'guest');
}

function withoutSecrets({ objects }: Rendered): string {
  return JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
}

const ofValues = (values: Values): readonly string[] => [
  ...new Set(secretsIn({ broker: values['broker'], resultBackend: values['resultBackend'] })),
];

it('there are as many files as are promised', () => {
  const promised = [
    'airgapped',
    'default',
    'everything-on',
    'keda',
    'many-pools',
    'python-workers',
    'rabbitmq',
    'redis-sentinel',
    'restricted',
  ];
  expect(ciNames().toSorted()).toEqual(promised);
});

describe.concurrent.each(ciNames())('%s', (over) => {
  it.each(HELMS)('is taken by %s lint --strict', async (helm) => {
    const { code, stdout, stderr } = await runProgram(helm, [
      'lint',
      '--strict',
      '--kube-version',
      '1.34',
      CHART,
      '--values',
      ciFile(over),
    ]);
    expect(stdout + stderr).not.toMatch(/\[(ERROR|WARNING)\]/);
    expect(code).toBe(0);
  });

  it('renders the same objects with both Helms', async () => {
    const [one, other] = await Promise.all(HELMS.map((helm) => render({}, { over, helm })));
    expect(other?.objects).toEqual(one?.objects);
    expect(one?.objects.length).toBeGreaterThan(8);
  });

  it('renders the same every time, so that GitOps sees no change', async () => {
    expect((await render({}, { over, fresh: true })).text).toBe((await render({}, { over })).text);
  });

  it('renders what the strict schemas of Kubernetes take', async () => {
    expect(await schemaFaults((await render({}, { over })).text)).toEqual([]);
  });

  it('renders pods that Pod Security "restricted" admits', async () => {
    const pods = podTemplates(await render({}, { over }));
    expect(pods.length).toBeGreaterThan(1);
    expect(pods.flatMap(({ of, spec, annotations }) => restrictedFaults(spec, annotations).map((fault) => `${of}: ${fault}`))).toEqual([]);
  });

  it('gives no pod but the autoscaler a token of the API', async () => {
    for (const { of, spec } of podTemplates(await render({}, { over }))) {
      if (!of.endsWith('-autoscaler')) expect(spec['automountServiceAccountToken'], of).toBe(false);
    }
  });

  it('roots are read-only, and /tmp is there to write in', async () => {
    for (const { of, spec } of podTemplates(await render({}, { over }))) {
      const container = (spec['containers'] as readonly Container[])[0] as Container;
      expect(container['securityContext'], of).toMatchObject({ readOnlyRootFilesystem: true });
      const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === '/tmp');
      const volume = (spec['volumes'] as readonly { readonly name: string }[]).find(({ name }) => name === mount?.name);
      expect(volume, of).toHaveProperty('emptyDir');
    }
  });

  it('volumes that are mounted exist, and names of environment and ports are there once', async () => {
    for (const { of, spec } of podTemplates(await render({}, { over }))) {
      const volumes = ((spec['volumes'] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);
      expect(new Set(volumes).size, of).toBe(volumes.length);
      for (const { env = [], ports = [], volumeMounts = [] } of spec['containers'] as readonly Container[]) {
        for (const { name } of volumeMounts) expect(volumes, of).toContain(name);
        for (const named of [env, ports]) expect(new Set(named.map(({ name }) => name)).size, of).toBe(named.length);
        expect(new Set(volumeMounts.map(({ mountPath }) => mountPath)).size, of).toBe(volumeMounts.length);
      }
    }
  });

  it('selects with every selector the pods that are meant', async () => {
    expect(selectorFaults(await render({}, { over }), ['celeriac.dev/role'])).toEqual([]);
  });

  it('gives every object its namespace, its labels and a name of its own', async () => {
    const { objects } = await render({}, { over });
    const own = objects.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] !== undefined);
    for (const { kind, metadata } of own) {
      expect(metadata.namespace, `${kind} ${metadata.name}`).toBeDefined();
      expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
        'app.kubernetes.io/instance': 'demo',
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/part-of': expect.any(String),
        'app.kubernetes.io/component': expect.any(String),
        'app.kubernetes.io/version': '0.1.0',
        'helm.sh/chart': 'celeriac-0.1.0',
      });
    }
    const extra = over === 'everything-on' ? 2 : 0;
    expect(objects.length - own.length).toBe(extra);
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('shows no URL and no password outside of Secrets', async () => {
    const secrets = ofValues(ciValues(over));
    const shown = withoutSecrets(await render({}, { over }));
    expect(secrets.filter((secret) => shown.includes(JSON.stringify(secret).slice(1, -1)))).toEqual([]);
  });

  it('says replicas for pools that nobody scales and for the autoscaler, and for no other', async () => {
    const upgrade = await render({}, { over, upgrade: true });
    const pools = Object.entries(ciValues(over)['pools'] as Readonly<Record<string, { readonly scaling?: { readonly by?: string } }>>);
    const fixed = pools.filter(([, { scaling }]) => scaling?.by === 'none').map(([name]) => name);
    const said = upgrade
      .of('Deployment')
      .filter(({ spec }) => spec?.['replicas'] !== undefined)
      .map(({ metadata }) => metadata.labels?.['celeriac.dev/pool'] ?? 'autoscaler');
    expect(said.toSorted()).toEqual([...fixed, 'autoscaler'].toSorted());
    expect(upgrade.objects).toEqual((await render({}, { over })).objects);
  });

  it('has a pools.yaml that the autoscaler takes, with each pool and its Deployment', async () => {
    const rendered = await render({}, { over });
    const config = await poolsConfig(rendered);
    const pools = ciValues(over)['pools'] as Readonly<Record<string, { readonly existingDeployment?: { readonly name: string } }>>;
    expect(config.pools.map(({ spec }) => spec.pool).toSorted()).toEqual(Object.keys(pools).toSorted());
    for (const { spec, target } of config.pools) {
      if (target.kind !== 'deployment') throw new Error(`pool ${spec.pool} has no Deployment`);
      const existing = pools[spec.pool]?.existingDeployment;
      if (existing !== undefined) expect(target.name).toBe(existing.name);
      else expect(rendered.one('Deployment', target.name).metadata.labels?.['celeriac.dev/pool']).toBe(spec.pool);
    }
  });
});
