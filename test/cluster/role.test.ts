// The Role of examples/kubernetes/rbac.yaml: all that the autoscaler needs, and nothing that it does not use.

import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, type Manifest, resourcePath } from '../kubernetes/objects.ts';
import { ownEvents } from './fleet-checks.ts';
import { type Fleet, repositoryFile, STEADY_LEASE, startFleet } from './fleet-rig.ts';
import { expectSafe } from './fleet-safety.ts';
import { type PolicyRule, permissionOf, permissions } from './permissions.ts';

const role = parseAllDocuments(repositoryFile('examples/kubernetes/rbac.yaml'))
  .map((document) => document.toJS() as Manifest & { readonly kind: string; readonly rules?: readonly PolicyRule[] })
  .find(({ kind }) => kind === 'Role');
const rules = role?.rules ?? [];

async function roundTrip(fleet: Fleet): Promise<void> {
  const ids = await fleet.publish('emails', 8, 700);
  await fleet.ledger.allEnded(ids, 120_000);
  await fleet.atZero('emails');
  expectSafe(fleet, 'emails', ids);
}

describe('the Role of the example', () => {
  it('is used to its last verb by a round trip, and nothing beyond it is asked for', async () => {
    const cluster = await sharedControlPlane();
    await using proxy = await startApiProxy(cluster);
    await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, cluster, autoscalers: 0, pools: [{ name: 'emails' }] });
    const autoscaler = await fleet.startAutoscaler({ kubeconfig: proxy.through(fleet.kubeconfig) });
    await roundTrip(fleet);
    // Its Lease is given back by an update when it ends.
    await autoscaler.process.stop();
    expect(autoscaler.process.output()).not.toMatch(/forbidden/i);
    expect((await ownEvents(fleet, 'emails')).length).toBeGreaterThan(0);
    const used = new Set(proxy.requests.map(permissionOf));
    expect([...used].toSorted()).toEqual(permissions(rules).toSorted());
    expect(proxy.requests.filter(({ status }) => status === 403)).toEqual([]);
  });

  it('binds its lease by name, and gives an account these permissions and no others', async () => {
    const cluster = await sharedControlPlane();
    await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, cluster, autoscalers: 0, pools: [{ name: 'emails' }] });
    const api = cluster.apiAs(fleet.kubeconfig);
    try {
      const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: fleet.namespace } };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
      const answer = (await api.create(path, review)) as unknown as {
        readonly status: { readonly resourceRules: readonly PolicyRule[] };
      };
      // What every account may do: ask what it is and what it may.
      const own = answer.status.resourceRules.filter(
        ({ apiGroups }) => !apiGroups.some((group) => /^(authorization|authentication)\.k8s\.io$/.test(group)),
      );
      expect(permissions(own).toSorted()).toEqual(permissions(rules).toSorted());
      const named = own.filter(({ resources, verbs }) => resources.includes('leases') && !verbs.includes('create'));
      expect(named.map(({ resourceNames }) => resourceNames)).toEqual([['celeriac-autoscaler']]);
      await expect(api.get(`${resourcePath('Lease', fleet.namespace)}/another`)).rejects.toMatchObject({ status: 403 });
      await expect(api.get(resourcePath('Pod', 'kube-system'))).rejects.toMatchObject({ status: 403 });
      await expect(api.get(resourcePath('Secret', fleet.namespace))).rejects.toMatchObject({ status: 403 });
      await expect(api.delete(`${resourcePath('Pod', fleet.namespace)}/any`)).rejects.toMatchObject({ status: 403 });
    } finally {
      api.close();
    }
  });

  it('is enough without what is optional in it', async () => {
    const cluster = await sharedControlPlane();
    await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, cluster, autoscalers: 0, pools: [{ name: 'emails' }] });
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${fleet.namespace}/roles/celeriac-autoscaler`;
    const least = rules.filter(({ apiGroups }) => !apiGroups.some((group) => group === 'autoscaling' || group === 'keda.sh'));
    expect(least.length).toBe(rules.length - 2);
    await cluster.api.patch<KubeObject>(roles, { rules: least }, 'merge');
    await fleet.startAutoscaler();
    await roundTrip(fleet);
  });
});
