// What a field reference of the downward API says of a pod: pure.

import { ContainerConfigError } from './container-config-error.ts';
import type { Pod } from './pod.ts';

/** `fields` are the pod's facts that its metadata does not hold yet, such as `status.podIP`. Throws ContainerConfigError. */
export function podField(pod: Pod, path: string, fields: Readonly<Record<string, string>>): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const known: Readonly<Record<string, string>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'metadata.labels': quotedLines(pod.metadata.labels),
    'metadata.annotations': quotedLines(pod.metadata.annotations),
    'spec.nodeName': pod.spec?.nodeName ?? '',
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? 'default',
    ...fields,
  };
  const value = known[path];
  if (value === undefined) throw new ContainerConfigError(`the test kubelet does not know the field ${path}`);
  return value;
}

/** As a file of a downwardAPI volume has them. */
function quotedLines(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .toSorted()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');
}
