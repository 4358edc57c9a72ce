// The rigs themselves: images, volumes, accounts and Services of pods under the test kubelet.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubelet, startKubelet } from '../kubelet/kubelet.ts';
import { withMachineNames } from '../kubelet/machine-names.ts';
import type { PodSpec } from '../kubelet/pod.ts';
import type { PodStatus } from '../kubelet/pod-status.ts';
import { kubernetesProgram } from '../kubernetes/assets.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { untilAllowed } from '../kubernetes/in-force.ts';
import { serviceAccountWith } from '../kubernetes/manifests.ts';
import { type KubeObject, type Manifest, resourcePath } from '../kubernetes/objects.ts';
import { type UntilOptions, until as untilIn } from '../until.ts';

/** The machine may be busy with other tests. */
const until = <T>(ask: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> =>
  untilIn(ask, { timeoutMs: 60_000, ...options });

const REPEAT = 'while :; do cat "$0" 2>/dev/null | tr "\\n" " "; echo; sleep 0.05; done';

describe('pods with images, volumes, accounts and Services', () => {
  let cluster: ControlPlane;
  let namespace: string;
  let kubelet: Kubelet;
  let folder: string;

  beforeAll(async () => {
    cluster = await sharedControlPlane();
    namespace = await cluster.createNamespace();
    folder = mkdtempSync(join(tmpdir(), 'celeriac-image-'));
    writeFileSync(join(folder, 'greet'), '#!/bin/sh\necho "greet $* from $PLACE"\n', { mode: 0o755 });
    const greeter = { entrypoint: ['greet'], cmd: ['nobody'], env: { PLACE: 'the image', PATH: `${folder}:${process.env['PATH']}` } };
    const shell = { entrypoint: ['sh', '-c'] };
    kubelet = await startKubelet({
      ...{ controlPlane: cluster, namespace, services: true, volumeSyncMs: 100, retryMs: 200 },
      images: (image) => (image === 'greeter:1' ? greeter : image === 'shell:1' ? shell : null),
    });
  });
  afterAll(async () => {
    await kubelet?.stop();
    await cluster?.deleteNamespace(namespace);
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const pod = (name: string, container: Readonly<Record<string, unknown>>, spec: Readonly<Record<string, unknown>> = {}): Manifest => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      ...{ restartPolicy: 'Never', automountServiceAccountToken: false, terminationGracePeriodSeconds: 1 },
      ...{ containers: [{ name: 'main', image: 'shell:1', ...container }], ...spec },
    },
  });
  const statusOf = async (name: string): Promise<PodStatus | undefined> =>
    (await cluster.api.get<KubeObject<PodSpec, PodStatus>>(resourcePath('Pod', namespace, name))).status;
  const phase = (name: string, wanted: string): Promise<unknown> =>
    until(async () => (await statusOf(name))?.phase === wanted, { what: `${name} ${wanted}: ${kubelet.logs(name)}` });
  const run = async (made: Manifest): Promise<string> => {
    await cluster.created(namespace, made);
    await phase(made.metadata.name, 'Succeeded');
    return kubelet.logs(made.metadata.name).split('\n').slice(1).join('\n');
  };
  const keys = (kind: 'Secret' | 'ConfigMap', name: string, data: Readonly<Record<string, string>>): Manifest => ({
    ...{ apiVersion: 'v1', kind, metadata: { name } },
    ...(kind === 'Secret' ? { stringData: data } : { data }),
  });

  it('start what the image starts, with args behind it, command in its place, and end as Succeeded or Failed with the exit code', async () => {
    expect(await run(pod('plain', { image: 'greeter:1' }))).toBe('greet nobody from the image\n');
    expect(await run(pod('args', { image: 'greeter:1', args: ['you', '$(PLACE)'], env: [{ name: 'PLACE', value: 'here' }] }))).toBe(
      'greet you here from here\n',
    );
    expect(await run(pod('command', { image: 'greeter:1', command: ['echo', 'no'], args: ['greeting'] }))).toBe('no greeting\n');
    await cluster.created(namespace, pod('failing', { args: ['exit 7'] }), pod('imageless', { image: 'other:1' }));
    await phase('failing', 'Failed');
    expect((await statusOf('failing'))?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
    const waiting = await until(async () => (await statusOf('imageless'))?.containerStatuses?.[0]?.state.waiting, { what: 'a reason' });
    expect(waiting.reason).toMatch(/ImagePullBackOff|ContainerCreating/);
    await until(async () => (await statusOf('imageless'))?.containerStatuses?.[0]?.state.waiting?.reason === 'ImagePullBackOff');
  });

  it('have Secrets, ConfigMaps, their own fields and shared folders as files, named where they are', async () => {
    await cluster.created(
      namespace,
      keys('Secret', 'url', { url: 'redis://:secret@127.0.0.1/0' }),
      keys('ConfigMap', 'settings', { 'settings.yaml': 'urlFile: /run/secrets/test/url\nother: /etc/hostname\n', unused: '-' }),
    );
    const volumes = [
      { name: 'url', secret: { secretName: 'url' } },
      { name: 'settings', configMap: { name: 'settings', items: [{ key: 'settings.yaml', path: 'deep/settings.yaml' }] } },
      { name: 'own', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { name: 'maybe', secret: { secretName: 'nowhere', optional: true } },
      { name: 'shared', emptyDir: {} },
    ];
    const mounts = [
      { name: 'url', mountPath: '/run/secrets/test', readOnly: true },
      { name: 'settings', mountPath: '/etc/test' },
      { name: 'own', mountPath: '/etc/own' },
      { name: 'maybe', mountPath: '/etc/maybe' },
      { name: 'shared', mountPath: '/tmp' },
    ];
    const script = `cat /etc/test/deep/settings.yaml | sed -n 's/urlFile: //p' | xargs cat; echo; sed -n 's/other: //p' < $FILE; cat /etc/own/labels; echo;
      ls /etc/maybe | wc -l; echo hello > /tmp/greeting; cat /tmp/greeting; cat ${folder}/greet | wc -l`;
    const env = [{ name: 'FILE', value: '/etc/test/deep/settings.yaml' }];
    const output = await run(pod('files', { args: [script], env, volumeMounts: mounts }, { volumes }));
    expect(output).toBe('redis://:secret@127.0.0.1/0\n/etc/hostname\napp="files"\n0\nhello\n2\n');
  });

  it('wait for a volume whose Secret is missing, and see it change without ever seeing half of it', async () => {
    const volumes = [{ name: 'late', projected: { sources: [{ secret: { name: 'late' } }, { configMap: { name: 'beside' } }] } }];
    await cluster.created(namespace, keys('ConfigMap', 'beside', { b: '1' }));
    await cluster.created(
      namespace,
      pod('reader', { args: [REPEAT, '/etc/late/a'], volumeMounts: [{ name: 'late', mountPath: '/etc/late' }] }, { volumes }),
    );
    const waiting = await until(async () => (await statusOf('reader'))?.containerStatuses?.[0]?.state.waiting, { what: 'a reason' });
    expect(waiting.reason).toBe('ContainerCreating');
    const text = (word: string): string => `${Array.from({ length: 50 }, () => word).join('\n')}\n`;
    await cluster.created(namespace, keys('Secret', 'late', { a: text('first') }));
    await until(() => kubelet.output('reader').includes('first'), { what: 'the first content' });
    await cluster.api.patch(resourcePath('Secret', namespace, 'late'), { stringData: { a: text('second') } });
    await until(() => kubelet.output('reader').includes('second \n'), { what: 'the second content' });
    const output = kubelet.output('reader');
    const lines = output
      .slice(0, output.lastIndexOf('\n'))
      .split('\n')
      .filter((line) => line !== '');
    expect([...new Set(lines)]).toEqual(['first', 'second'].map((word) => text(word).replaceAll('\n', ' ')));
  });

  it('reach the API by their own account, and may do there what its Role allows', async () => {
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'], resourceNames: ['own'] }];
    await cluster.created(namespace, ...serviceAccountWith('reader', namespace, rules), keys('ConfigMap', 'own', { a: 'mine' }));
    await untilAllowed(cluster, namespace, 'reader', [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['own'], verbs: ['get'] },
    ]);
    const kubectl = await kubernetesProgram('kubectl');
    const script = `${kubectl} --cache-dir "$PWD/cache" get configmap own -o 'jsonpath={.data.a}'; echo; ${kubectl} --cache-dir "$PWD/cache" get pods 2>&1 | sed 's/.*User/User/';
      cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; test -n "$KUBERNETES_SERVICE_HOST" && echo " known"`;
    const account = { serviceAccountName: 'reader', automountServiceAccountToken: true };
    const output = await run(pod('account', { args: [script] }, account));
    expect(output).toBe(
      `mine\nUser "system:serviceaccount:${namespace}:reader" cannot list resource "pods" in API group "" in the namespace "${namespace}"\n${namespace} known\n`,
    );
    const without = await run(pod('accountless', { args: ['printenv KUBECONFIG KUBERNETES_SERVICE_HOST || echo none'] }));
    expect(without).toBe('none\n');
  });

  it('are found by the host names of Services, whoever stands behind them at the moment', async () => {
    const server = (answer: string) =>
      `exec ${process.execPath} -e 'require("http").createServer((q, a) => a.end("${answer}")).listen(8000, process.argv[1])' 0.0.0.0`;
    const ports = [{ name: 'web', containerPort: 8000 }];
    const readinessProbe = { httpGet: { port: 'web' }, periodSeconds: 1, timeoutSeconds: 10 };
    const labelled = (name: string, label: string): Manifest => {
      const made = pod(name, { args: [server(name)], ports, readinessProbe });
      return { ...made, metadata: { ...made.metadata, labels: { web: label } } };
    };
    const service = { selector: { web: 'yes' }, ports: [{ port: 8080, targetPort: 'web' }] };
    await cluster.created(
      namespace,
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'front' }, spec: service },
      labelled('one', 'yes'),
      labelled('two', 'no'),
    );
    const ready = async (name: string): Promise<boolean> =>
      (await statusOf(name))?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
    await until(async () => (await ready('one')) && (await ready('two')), { what: 'both pods Ready' });
    const ask = (host: string): string => `curl -sS --max-time 30 http://${host}:8080/ || echo " refused"`;
    const script = `${ask(`front.${namespace}.svc`)}; ${ask('front')}; ${ask(`front.${namespace}.svc.cluster.local`)}; while [ ! -e go ]; do sleep 0.05; done; ${ask('front')}`;
    await cluster.created(namespace, pod('asker', { args: [script], workingDir: folder }));
    await until(() => kubelet.output('asker').includes('oneoneone'), { what: `three answers: ${kubelet.logs('asker')}` });
    await cluster.api.patch(resourcePath('Service', namespace, 'front'), { spec: { selector: { web: 'no' } } });
    writeFileSync(join(folder, 'go'), '');
    await phase('asker', 'Succeeded');
    expect(kubelet.logs('asker')).toMatch(/oneoneonetwo$/);
    await cluster.api.patch(resourcePath('Service', namespace, 'front'), { spec: { selector: { web: 'nobody' } } });
    expect(await run(pod('refused', { args: [ask('front')] }))).toMatch(/refused\n$/);
  });
});

describe('names of a pod told in those of the machine', () => {
  const names = {
    mounts: new Map([
      ['/etc/app', '/M/app'],
      ['/etc/app/tls', '/M/tls'],
      ['/tmp', '/M/tmp'],
    ]),
    hosts: new Map([
      ['web', '127.1.1.1'],
      ['web.ns.svc', '127.1.1.1'],
    ]),
    podIP: '127.2.2.2',
    isThere: (path: string) => path === '/tmp/of-the-machine/x',
  };
  it.each([
    ['--file=/etc/app/a.yaml', '--file=/M/app/a.yaml'],
    ['/etc/app/tls/ca.crt:/etc/app', '/M/tls/ca.crt:/M/app'],
    ['/etc/app-other /etc/apps ./etc/app', '/etc/app-other /etc/apps ./etc/app'],
    ['/tmp /tmp/ /tmp/mine /tmp/of-the-machine/x', '/M/tmp /M/tmp/ /M/tmp/mine /tmp/of-the-machine/x'],
    ['0.0.0.0:80 10.0.0.0 0.0.0.0', '127.2.2.2:80 10.0.0.0 127.2.2.2'],
    ['http://web.ns.svc:80/web http://web/web web x.web.ns.svc', 'http://127.1.1.1:80/web http://127.1.1.1/web web x.web.ns.svc'],
  ])('%s', (text, told) => {
    expect(withMachineNames(text, names)).toBe(told);
  });
});
