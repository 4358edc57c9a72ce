// The container of a pool: its command, environment and image.

import { describe, expect, it } from 'vitest';
import { minimal, withPool } from './minimal.ts';
import { type Container, containerOf, environmentOf, flagValue, type PodTemplate, podOf } from './pods.ts';
import { render, type Values } from './render.ts';

async function pod(pool: Values, more: Values = {}): Promise<PodTemplate> {
  return podOf(await render({ ...withPool(pool), ...more }), 'demo-celeriac-mail');
}
async function worker(pool: Values, more: Values = {}): Promise<Container> {
  return containerOf(await pod(pool, more), 'worker');
}
const python = (more: Values = {}): Values => ({
  kind: 'python',
  app: 'proj.celery',
  image: { repository: 'shop/proj', tag: '1' },
  ...more,
});

describe.concurrent('a Node pool', () => {
  it('is a worker with its queues, slots and name, and drains within its grace', async () => {
    const { args, command } = await worker({ queues: ['mail', 'mail.bulk'], concurrency: 8, terminationGracePeriodSeconds: 300 });
    expect(command).toBeUndefined();
    const base = ['worker', '-A', 'tasks.ts', '-Q', 'mail,mail.bulk', '-c', '8', '-n', 'mail@%h', '-E'];
    expect(args).toEqual([...base, '-l', 'info', '--http', '0.0.0.0:8081', '--drain-timeout', '290']);
  });

  it('has limits of time, the type of its queues and further arguments where they are said', async () => {
    const container = await worker({
      timeLimitSeconds: 1_000_000,
      softTimeLimitSeconds: 90,
      terminationGracePeriodSeconds: 1_000_100,
      queueType: 'quorum',
      logLevel: 'warn',
      args: ['--max-tasks-per-child', '100', '--label={pool}'],
    });
    expect(flagValue(container, '--time-limit')).toBe('1000000');
    expect(flagValue(container, '--soft-time-limit')).toBe('90');
    expect(flagValue(container, '--queue-type')).toBe('quorum');
    expect(flagValue(container, '-l')).toBe('warn');
    expect(container.args?.slice(-3)).toEqual(['--max-tasks-per-child', '100', '--label=mail']);
  });

  it('sends no events where they are switched off', async () => {
    expect((await worker({ taskEvents: false })).args).not.toContain('-E');
  });

  it('runs a command of its own in place of the usual one', async () => {
    const container = await worker({ command: ['node', 'run.js', '{app}', '{queues}', '{concurrency}', '{pool}@%h'], args: ['--more'] });
    expect(container.command).toEqual(['node', 'run.js', 'tasks.ts', 'mail', '4', 'mail@%h']);
    expect(container.args).toEqual(['--more']);
  });

  it('takes the options of broker and backend as arguments', async () => {
    const options = { broker: { url: 'redis://r', transportOptions: { globalKeyprefix: 'shop:', visibilityTimeout: 3_600_000 } } };
    const backend = { resultBackend: { url: 'redis://r/1', transportOptions: { masterName: 'my' } } };
    const { args = [] } = await worker({}, { ...options, ...backend });
    const given = args.flatMap((arg, index) => (/^--(broker|backend)-option$/.test(arg) ? [`${arg} ${args[index + 1]}`] : []));
    expect(given.toSorted()).toEqual([
      '--backend-option masterName="my"',
      '--broker-option globalKeyprefix="shop:"',
      '--broker-option visibilityTimeout=3600000',
    ]);
  });

  it('is asked whether it lives and is ready on its own port', async () => {
    const container = await worker({});
    expect(container.ports).toEqual([{ name: 'http', containerPort: 8081 }]);
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/livez', port: 'http' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
      livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
    });
  });

  it('has a probe changed key by key, or taken away by null', async () => {
    const container = await worker({ probes: { startup: null, liveness: { periodSeconds: 30 } } });
    expect(container['startupProbe']).toBeUndefined();
    expect(container['livenessProbe']).toMatchObject({ httpGet: { path: '/livez' }, periodSeconds: 30, failureThreshold: 6 });
  });

  it('is never without /tmp, and has one that is given in its place', async () => {
    const own = await pod({
      volumes: [{ name: 'tmp', emptyDir: { medium: 'Memory' } }],
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    });
    expect(own.spec['volumes']).toEqual([{ name: 'tmp', emptyDir: { medium: 'Memory' } }]);
    expect(containerOf(own).volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
  });
});

describe.concurrent('a Python pool', () => {
  it('is a Celery worker with events and without probes and port', async () => {
    const container = await worker(python({ queues: ['a', 'b'], concurrency: 3 }));
    expect(container.command).toEqual([
      'celery',
      '-A',
      'proj.celery',
      'worker',
      '-Q',
      'a,b',
      '-c',
      '3',
      '-n',
      'mail@%h',
      '-E',
      '-l',
      'INFO',
    ]);
    expect(container.args).toBeUndefined();
    for (const field of ['ports', 'startupProbe', 'readinessProbe', 'livenessProbe']) expect(container, field).not.toHaveProperty(field);
  });

  it('has limits of time, probes and arguments of its own', async () => {
    const container = await worker(
      python({
        timeLimitSeconds: 60,
        softTimeLimitSeconds: 50,
        args: ['--prefetch-multiplier=1'],
        probes: { liveness: { exec: { command: ['true'] } } },
      }),
    );
    expect(container.args).toEqual(['--time-limit', '60', '--soft-time-limit', '50', '--prefetch-multiplier=1']);
    expect(container['livenessProbe']).toEqual({ exec: { command: ['true'] } });
    expect(container).not.toHaveProperty('readinessProbe');
  });

  it('sends no events where they are switched off', async () => {
    expect((await worker(python({ taskEvents: false }))).command).not.toContain('-E');
  });

  it('takes neither module nor arguments from defaults that are for Node, and does from its own', async () => {
    const defaults = { app: 'tasks.ts', args: ['--strict'], env: { A: '1' } };
    const container = await worker(python(), { defaults });
    expect(container.args).toBeUndefined();
    expect(environmentOf(container)).toMatchObject({ A: '1' });
    const inherited = { kind: 'python', app: 'proj.celery', args: ['-O', 'fair'], image: { repository: 'shop/proj' } };
    expect((await worker({}, { defaults: inherited })).args).toEqual(['-O', 'fair']);
  });
});

describe.concurrent('where broker and backend are', () => {
  const env = async (more: Values): Promise<unknown> => environmentOf(await worker({}, more));

  it('is said by the Secrets that the chart makes', async () => {
    const resultBackend = { url: 'redis://redis/1' };
    expect(await env({ resultBackend })).toEqual({
      CELERY_BROKER_URL: { secretKeyRef: { name: 'demo-celeriac-broker', key: 'url' } },
      CELERY_RESULT_BACKEND: { secretKeyRef: { name: 'demo-celeriac-result-backend', key: 'url' } },
    });
    const rendered = await render({ ...minimal, resultBackend });
    const url = (name: string): string => Buffer.from(String((rendered.one('Secret', name)['data'] as Values)['url']), 'base64').toString();
    expect(url('demo-celeriac-broker')).toBe('redis://redis:6379/0');
    expect(url('demo-celeriac-result-backend')).toBe('redis://redis/1');
  });

  it('is said by the Secrets that are named, and none is made', async () => {
    const more = { broker: { existingSecret: { name: 'b' } }, resultBackend: { existingSecret: { name: 'r', key: 'uri' } } };
    expect(await env(more)).toEqual({
      CELERY_BROKER_URL: { secretKeyRef: { name: 'b', key: 'url' } },
      CELERY_RESULT_BACKEND: { secretKeyRef: { name: 'r', key: 'uri' } },
    });
    expect((await render({ ...minimal, ...more })).of('Secret')).toEqual([]);
  });

  it('brings certificates along', async () => {
    const tls = { ca: { secret: 'ca', key: 'ca.pem' }, client: { secret: 'client', certKey: 'cert.pem', keyKey: 'key.pem' } };
    for (const pool of [{}, python()]) {
      const template = await pod(pool, { tls });
      const container = containerOf(template);
      expect(environmentOf(container)).toMatchObject({
        CELERIAC_TLS_CA_FILE: '/run/secrets/celeriac/tls/ca.crt',
        CELERIAC_TLS_CERT_FILE: '/run/secrets/celeriac/tls/tls.crt',
        CELERIAC_TLS_KEY_FILE: '/run/secrets/celeriac/tls/tls.key',
      });
      const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === '/run/secrets/celeriac/tls');
      const volume = (template.spec['volumes'] as readonly Values[]).find(({ name }) => name === mount?.name);
      const client = {
        name: 'client',
        items: [
          { key: 'cert.pem', path: 'tls.crt' },
          { key: 'key.pem', path: 'tls.key' },
        ],
      };
      expect((volume?.['projected'] as Values | undefined)?.['sources']).toEqual([
        { secret: { name: 'ca', items: [{ key: 'ca.pem', path: 'ca.crt' }] } },
        { secret: client },
      ]);
    }
    expect(await env({ tls: { ca: { secret: 'ca' } } })).not.toHaveProperty('CELERIAC_TLS_CERT_FILE');
    expect(JSON.stringify((await render(minimal)).objects)).not.toContain('TLS');
  });

  it("brings the sentinels' password along", async () => {
    for (const pool of [{}, python()]) {
      const template = await pod(pool, { sentinel: { secret: 'sentinels', key: 'redis-password' } });
      const container = containerOf(template);
      const folder = '/run/secrets/celeriac/sentinel';
      expect(environmentOf(container)).toMatchObject({ CELERIAC_SENTINEL_PASSWORD_FILE: `${folder}/password` });
      const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === folder);
      const volume = (template.spec['volumes'] as readonly Values[]).find(({ name }) => name === mount?.name);
      expect(volume?.['secret']).toEqual({
        secretName: 'sentinels',
        defaultMode: 0o444,
        items: [{ key: 'redis-password', path: 'password' }],
      });
    }
    const autoscaler = podOf(await render({ ...minimal, sentinel: { secret: 'sentinels' } }), 'demo-celeriac-autoscaler');
    expect(environmentOf(containerOf(autoscaler))).toHaveProperty('CELERIAC_SENTINEL_PASSWORD_FILE');
    expect(JSON.stringify((await render(minimal)).objects)).not.toContain('entinel');
  });

  it('replaces pods by its change and by no other', async () => {
    const checksum = async (values: Values): Promise<unknown> =>
      podOf(await render({ ...minimal, ...values }), 'demo-celeriac-default').annotations['checksum/connections'];
    const before = await checksum({});
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(await checksum({ broker: { url: 'redis://other' } })).not.toBe(before);
    expect(await checksum({ resultBackend: { url: 'redis://other' } })).not.toBe(before);
    expect(await checksum({ commonAnnotations: { a: 'b' }, autoscaler: { logLevel: 'debug' } })).toBe(before);
    expect(await checksum({ broker: { existingSecret: { name: 'b' } } })).not.toBe(before);
  });
});

describe.concurrent('environment', () => {
  it('is merged by name, each name once', async () => {
    const secret = { valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    const container = await worker(
      { env: { B: 'own', C: null, D: secret, E: { valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } } } },
      { defaults: { app: 'tasks.ts', env: { A: 'a', B: 'b', C: 'c', E: secret } } },
    );
    const { CELERY_BROKER_URL: _, ...own } = environmentOf(container);
    expect(own).toEqual({ A: 'a', B: 'own', D: secret.valueFrom, E: { fieldRef: { fieldPath: 'spec.nodeName' } } });
  });

  it('has numbers and switches as they are written', async () => {
    const env = { INTEGER: 10_000_000, FRACTION: 0.25, YES: true, NO: false, ZERO: 0, EMPTY: '' };
    expect(environmentOf(await worker({ env }))).toMatchObject({
      INTEGER: '10000000',
      FRACTION: '0.25',
      YES: 'true',
      NO: 'false',
      ZERO: '0',
      EMPTY: '',
    });
  });
});

describe.concurrent('the image', () => {
  const image = async (pool: Values, all: Values = {}): Promise<string> => (await worker({ image: pool }, { image: all })).image;
  const digest = `sha256:${'1'.repeat(64)}`;

  it("is the chart's own of its version, where nothing is said", async () => {
    expect(await image({})).toBe('celeriac/worker:0.1.0');
  });

  it('takes what the pool does not say from the chart', async () => {
    const all = { registry: 'registry.example.com:5000', repository: 'shop/worker', tag: '1', pullPolicy: 'Always' };
    expect(await image({}, all)).toBe('registry.example.com:5000/shop/worker:1');
    expect(await image({ repository: 'shop/mail', tag: '2' }, all)).toBe('registry.example.com:5000/shop/mail:2');
    expect(await image({ digest }, all)).toBe(`registry.example.com:5000/shop/worker@${digest}`);
    expect(await worker({}, { image: all })).toMatchObject({ imagePullPolicy: 'Always' });
  });

  it('is pulled with the Secrets that are named', async () => {
    expect((await pod({}, { imagePullSecrets: [{ name: 'a' }] })).spec['imagePullSecrets']).toEqual([{ name: 'a' }]);
  });
});
