// The slim copy of a namespace, against a real API server.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterChange } from '../../packages/autoscaler/src/kubernetes/cluster.ts';
import type { ListWatchLimits } from '../../packages/autoscaler/src/kubernetes/follower.ts';
import { type ApiProxy, type Interference, startApiProxy } from '../kubernetes/api-proxy.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { resourceQuota, serviceAccountWith, workerDeployment } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { staysPending, until } from '../until.ts';
import { openView, type ViewRig } from './kubernetes-rig.ts';

describe('the view of a namespace', () => {
  let cluster: ControlPlane;
  let proxy: ApiProxy;
  let throughProxy: string;
  let namespace: string;

  beforeAll(async () => {
    cluster = await sharedControlPlane();
    proxy = await startApiProxy(cluster);
    throughProxy = proxy.through(cluster.kubeconfig);
    namespace = await cluster.createNamespace();
    await cluster.created(namespace, workerDeployment({ name: 'web', replicas: 3 }));
  });
  afterAll(async () => {
    await proxy?.stop();
    await cluster?.deleteNamespace(namespace);
    await cluster?.stop();
  });

  const faults: Interference[] = [];
  const fault = (one: Interference): Interference => {
    faults.push(one);
    return one;
  };
  afterEach(() => {
    for (const one of faults.splice(0)) one.release();
  });

  /** A view through the proxy, once it follows all four kinds. */
  const openThroughProxy = async (limits: Partial<ListWatchLimits> = {}): Promise<ViewRig> => {
    await until(() => proxy.openWatches === 0, { what: 'the watches of the test before closed' });
    const rig = await openView(throughProxy, namespace, limits);
    await until(() => proxy.openWatches === 4, { what: 'four watches open' });
    return rig;
  };
  const web = (): string => resourcePath('Deployment', namespace, 'web');
  const podsOf = ({ view }: ViewRig, name = 'web') => view.podsOf(view.deployment(namespace, name)?.uid ?? '');
  const annotate = (value: string): Promise<unknown> =>
    cluster.api.patch(web(), { metadata: { annotations: { 'celeriac.dev/test': value } } });
  const seen = (rig: ViewRig, value: string): Promise<boolean> =>
    until(() => rig.view.deployment(namespace, 'web')?.annotations['celeriac.dev/test'] === value, { what: `the annotation ${value}` });

  it('sees what is created, changed and deleted', async () => {
    await using rig = await openView(cluster.kubeconfig, namespace);
    const { view } = rig;
    await until(() => podsOf(rig).length === 3);
    expect(view.freshness(namespace)).toMatchObject({ synced: true, reason: null, unavailable: [] });

    await cluster.created(namespace, workerDeployment({ name: 'late', replicas: 2 }), resourceQuota('limits', { pods: '50' }));
    await until(() => podsOf(rig, 'late').length === 2);
    const late = view.deployment(namespace, 'late');
    expect(view.replicaSetsOf(late?.uid ?? '')).toMatchObject([{ deploymentName: 'late', replicas: 2 }]);
    await until(() => view.quotas(namespace)[0]?.hard['pods'] === 50);

    await annotate('changed');
    await seen(rig, 'changed');

    const doomed = podsOf(rig, 'late')[0];
    await cluster.api.delete(resourcePath('Pod', namespace, doomed?.name));
    const gone = await until(() => view.goneOf(late?.uid ?? '')[0]);
    expect(gone).toMatchObject({ deployment: 'late', pod: { uid: doomed?.uid, name: doomed?.name } });
    await until(() => rig.changes.some((change) => change.gone.length > 0));
    expect(rig.changes.flatMap((change) => change.gone).map((one) => one.pod.uid)).toEqual([doomed?.uid]);

    await cluster.api.delete(resourcePath('Deployment', namespace, 'late'), { propagationPolicy: 'Background' });
    await until(() => view.deployment(namespace, 'late') === null && view.podsOf(late?.uid ?? '').length === 0);
    await until(() => view.goneOf(late?.uid ?? '').length >= 3, { what: 'the ends of all its pods' });
    await cluster.api.delete(resourcePath('ResourceQuota', namespace, 'limits'));
    await until(() => view.quotas(namespace).length === 0);
    expect(view.health().every(({ restarts, relists }) => restarts === 0 && relists === 1)).toBe(true);
  });

  it('lists by pages', async () => {
    await until(
      async () => (await cluster.api.get<{ metadata: never; items: unknown[] }>(resourcePath('Pod', namespace))).items.length === 3,
    );
    const before = proxy.requests.length;
    await using rig = await openThroughProxy({ pageSize: 2 });
    expect(podsOf(rig)).toHaveLength(3);
    const pages = proxy.requests.slice(before).filter(({ path, isWatch }) => path.includes('/pods?') && !isWatch);
    expect(pages).toHaveLength(2);
    expect(pages[1]?.path).toContain('continue=');
  });

  it('tells all changes of one turn of the event loop at once', async () => {
    await using rig = await openThroughProxy();
    const held = fault(proxy.hold(({ path, isWatch }) => path.includes('/deployments?') && !isWatch, 100));
    proxy.cut();
    await until(() => held.met.length > 0);
    // paused, so that no controller makes anything of them: they are seen for the first time in one list
    const names = Array.from({ length: 5 }, (_, index) => `paused-${index}`);
    const paused = names.map((name) => {
      const manifest = workerDeployment({ name });
      return { ...manifest, spec: { ...(manifest['spec'] as object), paused: true } };
    });
    await cluster.created(namespace, ...paused);
    held.release();
    const told = (): ClusterChange | undefined => rig.changes.find(({ deployments }) => deployments.includes('paused-0'));
    const first = await until(told, { what: 'a change of those that are new' });
    expect(first).toMatchObject({ namespace, deployments: expect.arrayContaining(names), gone: [] });
    await rig.synced();
    const before = rig.changes.length;
    await annotate(`once-${Date.now()}`);
    // its ReplicaSet follows in a turn of its own
    const alone = JSON.stringify({ namespace, deployments: ['web'], gone: [] });
    await until(() => rig.changes.slice(before).some((change) => JSON.stringify(change) === alone), { what: 'a change of one alone' });
  });

  it('is not synced from a cut until it has listed anew', async () => {
    await using rig = await openThroughProxy();
    const listed = rig.health('pods').relists;
    const held = fault(proxy.hold(({ path, isWatch }) => path.includes('/pods?') && !isWatch, 10));
    proxy.cut();
    await rig.synced(false);
    expect(rig.view.freshness(namespace).reason).toMatch(/^\w+: /);
    await until(() => held.met.length > 0);
    // deployments and replicasets are back; the pods are not
    await until(() => rig.health('deployments').synced && rig.health('replicasets').synced);
    expect(rig.view.freshness(namespace)).toMatchObject({ synced: false, reason: expect.stringMatching(/^pods: /) });
    held.release();
    await rig.synced();
    expect(rig.health('pods')).toMatchObject({ relists: listed + 1, restarts: 1, error: null });
    await annotate('after-cut');
    await seen(rig, 'after-cut');
  });

  it('sees in a fresh list what happened while it was cut off', async () => {
    await cluster.created(namespace, workerDeployment({ name: 'brief', replicas: 1 }));
    await using rig = await openThroughProxy();
    await until(() => podsOf(rig, 'brief').length === 1);
    const { uid = '' } = rig.view.deployment(namespace, 'brief') ?? {};
    const held = fault(proxy.hold(({ isWatch }) => !isWatch, 100));
    proxy.cut();
    await rig.synced(false);
    await cluster.api.delete(resourcePath('Deployment', namespace, 'brief'), { propagationPolicy: 'Background' });
    await until(
      async () => (await cluster.api.get<{ metadata: never; items: unknown[] }>(resourcePath('Pod', namespace))).items.length === 3,
    );
    held.release();
    await until(() => rig.view.deployment(namespace, 'brief') === null && rig.view.podsOf(uid).length === 0);
    await rig.synced();
    await until(() => rig.view.goneOf(uid).length === 1, { what: 'the end of its pod' });
  });

  it('lists anew after 410 as an event', async () => {
    await using rig = await openThroughProxy();
    proxy.expireWatches();
    await until(() => rig.health('pods').relists === 2 && rig.health('deployments').relists === 2);
    await rig.synced();
    await annotate('after-410');
    await seen(rig, 'after-410');
  });

  it('lists anew after 410 as a status', async () => {
    // The first watch of each collection: one may come again before another has come at all.
    const collections = new Set<string>();
    const isFirst = (path: string): boolean => {
      const known = collections.size;
      return collections.add(path.split('?', 1)[0] as string).size > known;
    };
    const refused = fault(proxy.answer(({ isWatch, path }) => isWatch && isFirst(path), { status: 410 }, 4));
    await using rig = await openView(throughProxy, namespace);
    await until(() => refused.met.length === 4 && rig.view.health().every(({ relists }) => relists === 2));
    await rig.synced();
    expect(rig.log.some(({ fields }) => String(fields['err']).includes('has expired (410)'))).toBe(true);
  });

  it('gives up a watch that has gone silent', async () => {
    await using rig = await openThroughProxy({ byteIdleMs: 1_000 });
    proxy.deafenWatches();
    await annotate('unheard');
    await until(() => rig.log.some(({ fields }) => String(fields['err']).includes('no byte for 1 s')));
    await seen(rig, 'unheard');
    await rig.synced();
  });

  it('goes on where a watch ended in good order, without a list', async () => {
    const before = proxy.requests.length;
    await using rig = await openView(throughProxy, namespace, { watchSeconds: [1, 2] });
    const watches = (): number =>
      proxy.requests.slice(before).filter(({ isWatch, path }) => isWatch && path.includes('/deployments?')).length;
    await until(() => watches() >= 3);
    await annotate('resumed');
    await seen(rig, 'resumed');
    expect(rig.view.health().every(({ relists, restarts, synced }) => relists === 1 && restarts === 0 && synced)).toBe(true);
  });

  it('finds out by a check list that its watch has missed something', async () => {
    await using rig = await openThroughProxy({ checkEveryMs: 1_000, settleMs: 100 });
    proxy.deafenWatches();
    await annotate('missed');
    await until(() => rig.health('deployments').differences > 0);
    await seen(rig, 'missed');
    await rig.synced();
  });

  it('finds nothing by check lists while its watches tell everything', async () => {
    await using rig = await openThroughProxy({ checkEveryMs: 200, settleMs: 1_500 });
    const before = proxy.requests.length;
    const lists = (): number =>
      proxy.requests.slice(before).filter(({ path, isWatch }) => path.includes('/deployments?') && !isWatch).length;
    for (let round = 0; lists() < 4; round += 1) await annotate(`busy-${round}`);
    expect(rig.view.health().map(({ differences, restarts }) => differences + restarts)).toEqual([0, 0, 0, 0]);
  });

  it('lives with a kind it may not read, and notices when it may', async () => {
    const rules = (resources: readonly string[]) => [
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources, verbs: ['list', 'watch'] },
    ];
    await cluster.created(namespace, ...serviceAccountWith('reader', namespace, rules(['pods'])));
    const kubeconfig = await cluster.kubeconfigFor(namespace, 'reader');
    await using rig = await openView(kubeconfig, namespace);
    // an API server that does not know the Role yet refuses all of them
    await rig.synced();
    const { unavailable } = rig.view.freshness(namespace);
    expect(unavailable).toMatchObject([{ kind: 'resourcequotas', reason: expect.stringContaining('403 Forbidden') }]);
    await cluster.api.patch(resourcePath('Role', namespace, 'reader'), { rules: rules(['pods', 'resourcequotas']) });
    await until(() => rig.view.freshness(namespace).unavailable.length === 0);
  });

  it('is not synced when it may not read the pods', async () => {
    const rules = [{ apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['list', 'watch'] }];
    await cluster.created(namespace, ...serviceAccountWith('blind', namespace, rules));
    await using rig = await openView(await cluster.kubeconfigFor(namespace, 'blind'), namespace);
    await until(() => rig.health('deployments').synced && rig.health('replicasets').synced);
    expect(rig.view.freshness(namespace)).toMatchObject({ synced: false, reason: expect.stringMatching(/^pods: .*403 Forbidden/) });
  });

  it('does not hammer an API server that refuses it', async () => {
    const broken = fault(proxy.answer(({ path }) => path.includes('/pods?'), { status: 500 }, 1_000));
    const opening = openView(throughProxy, namespace, { backoff: { firstMs: 500, mostMs: 30_000 } });
    expect(await staysPending(opening, 4_000)).toBe(true);
    expect(broken.met.length).toBeLessThan(20);
    broken.release();
    await using rig = await opening;
    await rig.synced();
  });
});
