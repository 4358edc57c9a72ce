// Whether the API server knows of a right by now: it learns of Roles and their bindings by a watch, some time after they were written.

import { until } from '../until.ts';
import type { PolicyRule } from './manifests.ts';
import type { Rest } from './rest.ts';

/** Resolves when whoever `api` speaks for may do all that the rules say, in the namespace. */
export async function untilAllowed(api: Rest, namespace: string, rules: readonly PolicyRule[]): Promise<void> {
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((named) => verbs.map((verb) => ({ group, named, verb })))),
  );
  for (const { group, named, verb } of rights) {
    const [resource, subresource] = named.split('/');
    const review = {
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
      spec: { resourceAttributes: { namespace, group, verb, resource, ...(subresource === undefined ? {} : { subresource }) } },
    };
    const isAllowed = async (): Promise<boolean> => {
      const { status } = await api.create<{ metadata: never; status: { allowed: boolean } }>(
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        review,
      );
      return status.allowed;
    };
    await until(isAllowed, { what: `the right to ${verb} ${named} in ${namespace}` });
  }
}
