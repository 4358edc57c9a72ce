// The API server judges by caches that follow what is written a moment later: these wait until it does.

import { until } from '../until.ts';
import type { ControlPlane } from './control-plane.ts';
import { resourceQuota } from './manifests.ts';
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

/** Waits until a service account is allowed what its Role says: all of a Role comes at once. */
export async function untilAllowed(
  cluster: ControlPlane,
  namespace: string,
  account: string,
  what: { readonly verb: string; readonly resource: string; readonly group?: string; readonly name?: string },
): Promise<void> {
  const review = {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: { user: `system:serviceaccount:${namespace}:${account}`, resourceAttributes: { namespace, ...what } },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const allowed = async (): Promise<boolean> =>
    (await cluster.api.create<KubeObject<unknown, { readonly allowed: boolean }>>(path, review)).status?.allowed === true;
  await until(allowed, { timeoutMs: 60_000, what: `${account} allowed to ${what.verb} ${what.resource}` });
}
