// Single calls of the Kubernetes API and what may become of them, against a real API server.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import { createEventWriter } from '../../packages/autoscaler/src/kubernetes/event-writer.ts';
import { kubeFailure } from '../../packages/autoscaler/src/kubernetes/failure.ts';
import { patchPodAnnotations } from '../../packages/autoscaler/src/kubernetes/pod-annotations.ts';
import { createScaleWriter, type ScaleSeen, type ScaleWriter } from '../../packages/autoscaler/src/kubernetes/scale-writer.ts';
import { startProxy } from '../brokers/proxy.ts';
import { type ApiProxy, type Interference, type SeenRequest, startApiProxy } from '../kubernetes/api-proxy.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { readKubeconfig, writeKubeconfig } from '../kubernetes/kubeconfig.ts';
import { serviceAccountWith, workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { recordingLogger } from './kubernetes-rig.ts';

describe('a call of the Kubernetes API', () => {
  let cluster: ControlPlane;
  let proxy: ApiProxy;
  let namespace: string;
  let client: ApiClient;
  let writer: ScaleWriter;
  let from: number;
  const logger = recordingLogger();

  beforeAll(async () => {
    cluster = await sharedControlPlane();
    proxy = await startApiProxy(cluster);
    namespace = await cluster.createNamespace();
    await cluster.created(namespace, workerDeployment({ name: 'web', replicas: 1 }));
    client = createApiClient({ credentials: await loadCredentials({ kubeconfig: proxy.through(cluster.kubeconfig) }), logger });
    writer = createScaleWriter(client);
  });
  beforeEach(() => {
    from = proxy.requests.length;
  });
  afterEach(() => {
    for (const one of faults.splice(0)) one.release();
  });
  afterAll(async () => {
    client?.close();
    await proxy?.stop();
    await cluster?.deleteNamespace(namespace);
    await cluster?.stop();
  });

  const faults: Interference[] = [];
  const fault = (one: Interference): Interference => {
    faults.push(one);
    return one;
  };
  /** The scale when the controllers have done what was asked for, so that its version stays. */
  const settledScale = (): Promise<ScaleSeen> =>
    until(async () => {
      const { status, spec, metadata } = await cluster.api.get<
        KubeObject<{ readonly replicas: number }, { readonly replicas?: number; readonly observedGeneration?: number }>
      >(resourcePath('Deployment', namespace, 'web'));
      const done = (status?.replicas ?? 0) === spec?.replicas && status?.observedGeneration === metadata.generation;
      const seen = await writer.readScale(namespace, 'web');
      from = proxy.requests.length;
      return done && seen.resourceVersion === metadata.resourceVersion ? seen : null;
    });
  const isWrite = ({ method }: SeenRequest): boolean => method !== 'GET';
  const writes = (): readonly SeenRequest[] => proxy.requests.slice(from).filter(isWrite);
  const replicas = async (): Promise<number | undefined> =>
    (await cluster.api.get<KubeObject<{ readonly replicas: number }>>(resourcePath('Deployment', namespace, 'web'))).spec?.replicas;
  const target = { name: 'web', mayWrite: () => true };
  const failureOf = (call: Promise<unknown>) => call.then(() => null, kubeFailure);

  describe('that writes the scale', () => {
    it('leaves its name in managedFields', async () => {
      const { replicas: before } = await settledScale();
      const written = await writer.moveScale({ ...target, namespace, from: before, to: before + 1 });
      expect(written).toMatchObject({ kind: 'written', confirmed: 'answer' });
      expect(await replicas()).toBe(before + 1);
      const { metadata } = await cluster.api.get(resourcePath('Deployment', namespace, 'web'));
      expect(metadata.managedFields).toContainEqual(expect.objectContaining({ manager: 'celeriac', subresource: 'scale' }));
    });

    it('is refused with an old version, and with the uid of another Deployment', async () => {
      const { replicas: before, resourceVersion } = await settledScale();
      const stale = await writer.writeScale({ ...target, namespace, replicas: 9, resourceVersion: '1' });
      expect(stale).toMatchObject({ kind: 'conflict', seen: { replicas: before } });
      const other = { ...target, namespace, uid: '11111111-1111-1111-1111-111111111111' };
      expect(await writer.writeScale({ ...other, replicas: 9, resourceVersion })).toMatchObject({ kind: 'conflict' });
      expect(await writer.moveScale({ ...other, from: before, to: 9 })).toMatchObject({ kind: 'conflict' });
      expect(await replicas()).toBe(before);
    });

    it('is not made where somebody else has changed the number', async () => {
      const { replicas: before } = await settledScale();
      const moved = await writer.moveScale({ ...target, namespace, from: before + 5, to: before + 6 });
      expect(moved).toMatchObject({ kind: 'conflict', seen: { replicas: before } });
      expect(writes()).toHaveLength(0);
    });

    it('is tried again when only the version had moved on', async () => {
      const { replicas: before } = await settledScale();
      const refused = fault(proxy.answer(isWrite, { status: 409 }, 2));
      expect(await writer.moveScale({ ...target, namespace, from: before, to: before + 1 })).toMatchObject({ kind: 'written' });
      expect(refused.met).toHaveLength(2);
      expect(await replicas()).toBe(before + 1);
    });

    it('is found to have been carried out when its answer was lost, and not repeated', async () => {
      const first = await settledScale();
      fault(proxy.loseAnswer(isWrite));
      const moved = await writer.moveScale({ ...target, namespace, from: first.replicas, to: first.replicas + 1 });
      expect(moved).toMatchObject({ kind: 'written', confirmed: 'read' });
      expect(writes()).toHaveLength(1);
      const { resourceVersion, replicas: before } = await settledScale();
      fault(proxy.loseAnswer(isWrite));
      const written = await writer.writeScale({ ...target, namespace, replicas: before + 1, resourceVersion });
      expect(written).toMatchObject({ kind: 'written', confirmed: 'read' });
      expect(writes()).toHaveLength(1);
      expect(await replicas()).toBe(before + 1);
    });

    it('is repeated after it was lost on the way, and what was lost does nothing when it arrives late', async () => {
      const { resourceVersion, replicas: before } = await settledScale();
      const held = fault(proxy.hold(isWrite));
      expect(await writer.writeScale({ ...target, namespace, replicas: 1, resourceVersion })).toMatchObject({ kind: 'written' });
      expect(held.met).toHaveLength(1);
      expect(writes()).toHaveLength(2);
      await writer.moveScale({ ...target, namespace, from: 1, to: before });
      held.release();
      await until(() => held.met[0]?.status === 409, { what: 'the late write refused' });
      expect(await replicas()).toBe(before);
    });

    it('does not leave once the right to write is gone', async () => {
      const { replicas: before } = await settledScale();
      const held = await failureOf(writer.moveScale({ namespace, name: 'web', from: before, to: 0, mayWrite: () => false }));
      expect(held).toMatchObject({ reason: 'MayNotWrite', outcomeUnknown: false });
      expect(writes()).toHaveLength(0);
    });

    it('asks for the right anew before it is repeated', async () => {
      const { replicas: before } = await settledScale();
      let asked = 0;
      fault(proxy.answer(isWrite, { status: 503 }, 5));
      const mayWrite = (): boolean => {
        asked += 1;
        return asked < 3;
      };
      const held = await failureOf(writer.moveScale({ namespace, name: 'web', from: before, to: 0, mayWrite }));
      expect(held).toMatchObject({ reason: 'MayNotWrite' });
      expect(asked).toBe(3);
      expect(writes()).toHaveLength(2);
      expect(await replicas()).toBe(before);
    });

    it('asks for the right only when the connection stands', async () => {
      await using slow = await startProxy(proxy.port);
      slow.delay(100);
      const kubeconfig = `${cluster.kubeconfig}.slow-${slow.port}`;
      writeKubeconfig(kubeconfig, { ...readKubeconfig(cluster.kubeconfig), server: `https://127.0.0.1:${slow.port}` });
      const far = createApiClient({ credentials: await loadCredentials({ kubeconfig }), logger });
      const path = resourcePath('Deployment', namespace, 'web', 'scale');
      // TCP stands at once, TLS takes three ways through the proxy: the right is lost in between
      const write = failureOf(far.request({ method: 'PATCH', path, body: { spec: { replicas: 0 } }, mayWrite: () => slow.accepted === 0 }));
      expect(await write).toMatchObject({ reason: 'MayNotWrite' });
      expect(slow.accepted).toBe(1);
      expect(writes()).toHaveLength(0);
      far.close();
    });
  });

  it('is repeated after 503 and 500 when it reads', async () => {
    const refused = fault(proxy.answer(() => true, { status: 503 }, 2));
    expect(await writer.readScale(namespace, 'web')).toMatchObject({ uid: expect.any(String) });
    expect(refused.met).toHaveLength(2);
  });

  it('is reported as unknown after 500 when it writes', async () => {
    fault(proxy.answer(isWrite, { status: 500 }));
    const path = resourcePath('Deployment', namespace, 'web');
    const failure = await failureOf(client.request({ method: 'PATCH', path, body: { metadata: { annotations: { a: 'b' } } } }));
    expect(failure).toMatchObject({ status: 500, outcomeUnknown: true });
    expect(writes()).toHaveLength(1);
  });

  it('ends in time when nobody answers', async () => {
    const held = fault(proxy.hold(() => true, 10));
    const path = resourcePath('Deployment', namespace, 'web');
    const begun = performance.now();
    const read = failureOf(client.request({ method: 'GET', path, timeoutMs: 300, attempts: 1 }));
    expect(await read).toMatchObject({ reason: 'Timeout', outcomeUnknown: false });
    const write = failureOf(client.request({ method: 'PATCH', path, body: {}, timeoutMs: 300 }));
    expect(await write).toMatchObject({ reason: 'Timeout', outcomeUnknown: true });
    expect(performance.now() - begun).toBeLessThan(5_000);
    held.release();
  });

  it('follows no redirect', async () => {
    fault(proxy.answer(() => true, { status: 302, headers: { location: 'https://127.0.0.1:1/elsewhere' } }));
    const failure = await failureOf(client.request({ method: 'GET', path: '/version' }));
    expect(failure).toMatchObject({ status: 302 });
    expect(proxy.requests.length).toBe(from + 1);
  });

  it('makes all others pause when it is answered with Retry-After', async () => {
    fault(proxy.answer(({ path }) => path === '/version', { status: 429, headers: { 'retry-after': '1' } }));
    const throttled = client.request({ method: 'GET', path: '/version' });
    await until(() => proxy.requests.length > from && client.counts.throttled > 0);
    await writer.readScale(namespace, 'web');
    await throttled;
    const [first, ...later] = proxy.requests.slice(from);
    expect(later.map(({ atMs }) => atMs - (first?.atMs ?? 0)).every((afterMs) => afterMs >= 950)).toBe(true);
    expect(later).toHaveLength(2);
  });

  it('is throttled by the real API server and gets through afterwards', async () => {
    // a priority level with a single seat that rejects what does not find it: the real 429 of API Priority and Fairness
    const flow = 'flowcontrol.apiserver.k8s.io';
    const name = `throttled-${namespace}`;
    await cluster.created(namespace, ...serviceAccountWith('busy', namespace, []));
    const paths = { levels: `/apis/${flow}/v1/prioritylevelconfigurations`, schemas: `/apis/${flow}/v1/flowschemas` };
    const limited = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } };
    await cluster.api.create(paths.levels, {
      apiVersion: `${flow}/v1`,
      kind: 'PriorityLevelConfiguration',
      metadata: { name },
      spec: { type: 'Limited', limited },
    });
    await cluster.api.create(paths.schemas, {
      apiVersion: `${flow}/v1`,
      kind: 'FlowSchema',
      metadata: { name },
      spec: {
        priorityLevelConfiguration: { name },
        matchingPrecedence: 2,
        rules: [
          {
            subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: 'busy', namespace } }],
            nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          },
        ],
      },
    });
    const kubeconfig = await cluster.kubeconfigFor(namespace, 'busy');
    const busy = createApiClient({ credentials: await loadCredentials({ kubeconfig }), logger });
    // large and slow: while one is served the others find no seat
    const ask = () => busy.request({ method: 'GET', path: '/openapi/v2', attempts: 30, giveUpAfterMs: 60_000, timeoutMs: 30_000 });
    await until(
      async () => {
        const answers = await Promise.all([ask(), ask(), ask(), ask()]);
        expect(answers.every((answer) => typeof answer === 'object')).toBe(true);
        return busy.counts.throttled > 0;
      },
      { timeoutMs: 60_000, what: 'a 429' },
    );
    expect(logger.lines).toContainEqual(expect.objectContaining({ fields: { forMs: 1_000, status: 429 } }));
    await cluster.api.delete(`${paths.schemas}/${name}`);
    await cluster.api.delete(`${paths.levels}/${name}`);
    busy.close();
  });

  it('annotates the pod that is meant and no other of its name', async () => {
    const pods = await cluster.api.get<KubeList & KubeObject>(resourcePath('Pod', namespace));
    const { name = '', uid = '' } = pods.items[0]?.metadata ?? {};
    const cost = 'controller.kubernetes.io/pod-deletion-cost';
    const annotations = async () => (await cluster.api.get(resourcePath('Pod', namespace, name))).metadata.annotations?.[cost];
    expect(await patchPodAnnotations(client, { namespace, name, uid, annotations: { [cost]: '-2000' } })).toBe('patched');
    expect(await annotations()).toBe('-2000');
    const other = { namespace, name, uid: '11111111-1111-1111-1111-111111111111', annotations: { [cost]: '5' } };
    expect(await patchPodAnnotations(client, other)).toBe('gone');
    fault(proxy.loseAnswer(isWrite));
    expect(await patchPodAnnotations(client, { namespace, name, uid, annotations: { [cost]: null } })).toBe('patched');
    expect(await annotations()).toBeUndefined();
    expect(await patchPodAnnotations(client, { namespace, name: 'nobody', uid, annotations: {} })).toBe('gone');
  });

  it('writes an Event, and the same one not again at once', async () => {
    const { metadata } = await cluster.api.get(resourcePath('Deployment', namespace, 'web'));
    let nowMs = Date.now();
    const events = createEventWriter({ client, logger, now: () => nowMs, instance: 'me' });
    const deployment = { namespace, name: 'web', uid: metadata.uid ?? '' };
    const event = { deployment, type: 'Warning', reason: 'PodsStuck', message: 'x'.repeat(2_000) } as const;
    expect(await events.record(event)).toBe(true);
    expect(await events.record(event)).toBe(false);
    expect(await events.record({ ...event, reason: 'Scaled' })).toBe(true);
    nowMs += 31_000;
    expect(await events.record(event)).toBe(true);
    const { items } = await cluster.api.get<KubeList & KubeObject>(resourcePath('Event', namespace), {
      fieldSelector: `involvedObject.uid=${metadata.uid},reportingComponent=celeriac-autoscaler`,
    });
    expect(new Set(items.map((one) => one['reason']))).toEqual(new Set(['PodsStuck', 'Scaled']));
    expect(items).toHaveLength(3);
  });
});
