// The API server judges by caches that follow what is written a moment later: these wait until it does.

import { until } from '../until.ts';
import type { ControlPlane } from './control-plane.ts';
import { type PolicyRule, resourceQuota } from './manifests.ts';
import { type KubeObject, resourcePath } from './objects.ts';

/** Makes a quota and waits until it is counted: before that the API server refuses pods for want of its numbers, not for the quota. */
export async function createQuota(
  cluster: ControlPlane,
  namespace: string,
  name: string,
  hard: Readonly<Record<string, string>>,
): Promise<void> {
  await cluster.created(namespace, resourceQuota(name, hard));
  const path = resourcePath('ResourceQuota', namespace, name);
  const counted = async (): Promise<boolean> => {
    const { status } = await cluster.api.get<KubeObject<unknown, { readonly hard?: Readonly<Record<string, string>> }>>(path);
    return Object.entries(hard).every(([resource, most]) => status?.hard?.[resource] === most);
  };
  await until(counted, { timeoutMs: 60_000, what: `the quota ${name} in force` });
}

/** Waits until a service account may do all that the rules say, in the namespace. */
export async function untilAllowed({ api }: ControlPlane, namespace: string, account: string, rules: readonly PolicyRule[]): Promise<void> {
  const rights = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [undefined] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((named) => verbs.flatMap((verb) => resourceNames.map((name) => ({ group, named, verb, name })))),
    ),
  );
  for (const { group, named, verb, name } of rights) {
    const [resource, subresource] = named.split('/');
    const review = {
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
      spec: {
        user: `system:serviceaccount:${namespace}:${account}`,
        resourceAttributes: { namespace, group, verb, resource, subresource, name },
      },
    };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const allowed = async (): Promise<boolean> =>
      (await api.create<KubeObject<unknown, { readonly allowed: boolean }>>(path, review)).status?.allowed === true;
    await until(allowed, { timeoutMs: 60_000, what: `${account} allowed to ${verb} ${named}` });
  }
}
