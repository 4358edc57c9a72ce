// `celeriac autoscale --pod-name`: whoever holds the lease carries the label by which a Service finds it, on its own Pod alone.

import { describe, expect, it } from 'vitest';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { type KubeObject, type Manifest, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { type AutoscalerProcess, type Fleet, type FleetPool, said, startFleet } from './fleet-rig.ts';
import { expectSafe, leading } from './fleet-safety.ts';

const LABEL = 'celeriac.dev/role';
const took = /took the lease/;
const jobs: FleetPool = { name: 'jobs' };

/** A Pod as that of an autoscaler; the test kubelet runs nothing in it. */
const podOf = (name: string, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'autoscaler', ...labels } },
  spec: { containers: [{ name: 'autoscaler', image: 'local/none' }] },
});

const podPatch =
  (name: string) =>
  ({ method, path }: { readonly method: string; readonly path: string }): boolean =>
    method === 'PATCH' && path.includes(`/pods/${name}`);

async function labelled(fleet: Fleet): Promise<readonly string[]> {
  const query = { labelSelector: `${LABEL}=leader` };
  const { items } = await fleet.cluster.api.get<{ items: KubeObject[] }>(resourcePath('Pod', fleet.namespace), query);
  return items.map(({ metadata }) => metadata.name).toSorted();
}

async function leads(fleet: Fleet, ...pods: readonly string[]): Promise<void> {
  const isSo = async (): Promise<boolean> => JSON.stringify(await labelled(fleet)) === JSON.stringify(pods);
  await until(isSo, { timeoutMs: 60_000, what: `the label on ${pods.join(', ') || 'nobody'}` }).catch(async (error: Error) => {
    throw new Error(`${error.message}; it is on ${(await labelled(fleet)).join(', ')}\n${said(fleet.autoscalers)}`);
  });
}

const start = (fleet: Fleet, pod: string, kubeconfig?: string): Promise<AutoscalerProcess> =>
  fleet.startAutoscaler({ args: ['--pod-name', pod], ...(kubeconfig === undefined ? {} : { kubeconfig }) });

describe('the label of the leader', () => {
  it('goes over with the lease, whether its holder is killed or stops', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [jobs], autoscalers: 0 });
    // As a container leaves it that was killed.
    await fleet.cluster.created(fleet.namespace, podOf('as-0', { [LABEL]: 'leader' }), podOf('as-1', { [LABEL]: 'leader' }));
    const first = await start(fleet, 'as-0');
    await first.process.line(took);
    const second = await start(fleet, 'as-1');
    await leads(fleet, 'as-0');
    expect(await leading(fleet.autoscalers)).toBe(first);
    // What both would say adds up in Prometheus: of pools and queues only the leader speaks.
    await until(async () => (await first.metrics()).includes('pool="jobs"'), { what: 'metrics of the pool' });
    expect(await second.metrics()).not.toMatch(/"jobs"|^celeriac_(pool|queue|broker|trigger)_/m);
    expect(await second.metrics()).toMatch(/^celeriac_leader 0$/m);
    expect(await second.pools()).toEqual([]);

    first.process.signal('SIGKILL');
    await second.process.line(took, 60_000);
    // Nobody takes a label off another's Pod: that of the dead one goes when its container is started again.
    await leads(fleet, 'as-0', 'as-1');
    const again = await start(fleet, 'as-0');
    await leads(fleet, 'as-1');

    await second.process.stop();
    await again.process.line(took, 60_000);
    await leads(fleet, 'as-0');
    await again.process.stop();
    await leads(fleet);
  });

  it('is taken off by a holder that was frozen, once it runs again', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [jobs], autoscalers: 0 });
    await fleet.cluster.created(fleet.namespace, podOf('as-0'), podOf('as-1'));
    const first = await start(fleet, 'as-0');
    await first.process.line(took);
    const second = await start(fleet, 'as-1');
    await leads(fleet, 'as-0');
    first.process.signal('SIGSTOP');
    await second.process.line(took, 60_000);
    await leads(fleet, 'as-0', 'as-1');
    first.process.signal('SIGCONT');
    await leads(fleet, 'as-1');
  });

  it('holds up nothing while it cannot be set, and is set in the end', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [jobs], autoscalers: 0 });
    await using proxy = await startApiProxy(fleet.cluster);
    await fleet.cluster.created(fleet.namespace, podOf('as-0'));
    const kubeconfig = proxy.through(fleet.kubeconfig);
    proxy.answer(podPatch('as-0'), { status: 500 }, 2);
    // All of them: one that is not answered in time is asked again.
    const slow = proxy.hold(podPatch('as-0'), 1_000);
    const autoscaler = await start(fleet, 'as-0', kubeconfig);
    await autoscaler.process.line(/the label celeriac\.dev\/role of our Pod could not be set, trying again/);
    await until(() => slow.met.length > 0, { timeoutMs: 60_000, what: 'a label that is on its way' });
    const ids = await fleet.publish('jobs', 4, 500);
    await fleet.ledger.allEnded(ids, 90_000);
    expect(await labelled(fleet)).toEqual([]);
    slow.release();
    await leads(fleet, 'as-0');
    await fleet.atZero('jobs');
    expectSafe(fleet, 'jobs', ids);
    expect(autoscaler.process.output()).not.toMatch(/lost the lease/);
  });

  it('is carried by the only autoscaler, and a missing right is told once', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [jobs], autoscalers: 0, config: 'lease: off' });
    await fleet.cluster.created(fleet.namespace, podOf('as-0'));
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${fleet.namespace}/roles/celeriac-autoscaler`;
    const { rules } = await fleet.cluster.api.get<
      KubeObject & { rules: readonly { resources: readonly string[]; verbs: readonly string[] }[] }
    >(roles);
    const without = rules.filter(({ resources, verbs }) => !(resources.includes('pods') && verbs.includes('patch')));
    await fleet.cluster.api.patch(roles, { rules: without }, 'merge');
    const autoscaler = await start(fleet, 'as-0');
    await autoscaler.process.line(/could not be set, trying again/);
    await fleet.cluster.api.patch(roles, { rules }, 'merge');
    await leads(fleet, 'as-0');
    expect(autoscaler.process.output().match(/could not be set, trying again/g)).toHaveLength(1);
    await autoscaler.process.stop();
    await leads(fleet);
  });
});
