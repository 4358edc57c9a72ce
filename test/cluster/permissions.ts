// What a Role allows and what a request needs, in the same words.

import type { SeenRequest } from '../kubernetes/api-proxy.ts';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** `GROUP RESOURCE VERB`, one for each single permission. */
export function permissions(of: readonly PolicyRule[]): readonly string[] {
  const all = of.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${group === '' ? 'core' : group} ${resource} ${verb}`)),
    ),
  );
  return [...new Set(all)];
}

/** The permission that a request is judged by; source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go. */
export function permissionOf({ method, path, isWatch }: SeenRequest): string {
  const [, core, group = core, rest = ''] = /^\/(?:api\/(v1)|apis\/([^/]+)\/[^/]+)\/namespaces\/[^/]+\/([^?]+)/.exec(path) ?? [];
  const [resource = '', name, sub] = rest.split('/');
  const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
  const reading = isWatch ? 'watch' : name === undefined ? 'list' : 'get';
  return `${group === 'v1' ? 'core' : group} ${sub === undefined ? resource : `${resource}/${sub}`} ${verbs[method] ?? reading}`;
}
