// What a container is started with: its environment from the pod's spec and the API, and its command with $(VAR) filled in.

import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal, type Rest } from '../kubernetes/rest.ts';
import type { Container, EnvVar, Pod } from './pod.ts';

/** The spec asks for what is not there; a kubelet reports it as CreateContainerConfigError and tries again. */
export class ContainerConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContainerConfigError';
  }
}

type Environment = Readonly<Record<string, string>>;

/** `fields` are the pod's facts that its metadata does not hold yet, such as `status.podIP`. */
export async function containerEnvironment(api: Rest, pod: Pod, container: Container, fields: Environment): Promise<Environment> {
  const source = createSource(api, pod.metadata.namespace ?? 'default');
  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const all = secretRef === undefined ? await source('ConfigMap', configMapRef) : await source('Secret', secretRef);
    for (const [key, value] of Object.entries(all ?? {})) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, pod, fields, env, source);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

/** `$(NAME)` becomes the variable's value, an unknown one stays as it is, and `$$` is a dollar. */
export function expandVariables(text: string, env: Environment): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, inner: string, name: string | undefined) => {
    if (inner === '$') return '$';
    return env[name ?? ''] ?? whole;
  });
}

type Named = { readonly name: string; readonly optional?: boolean };
type Source = (kind: 'Secret' | 'ConfigMap', reference: Named | undefined) => Promise<Environment | undefined>;

function createSource(api: Rest, namespace: string): Source {
  return async (kind, reference) => {
    if (reference === undefined) return undefined;
    try {
      const { data } = await api.get<{ data?: Record<string, string> }>(resourcePath(kind, namespace, reference.name));
      const decode = (value: string): string => (kind === 'Secret' ? Buffer.from(value, 'base64').toString('utf8') : value);
      return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, decode(value)]));
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
      if (reference.optional === true) return undefined;
      throw new ContainerConfigError(`${kind.toLowerCase()} "${reference.name}" not found`);
    }
  };
}

async function variableValue(
  variable: EnvVar,
  pod: Pod,
  fields: Environment,
  env: Environment,
  source: Source,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (from === undefined) return expandVariables(variable.value ?? '', env);
  if (from.fieldRef !== undefined) return fieldOf(pod, from.fieldRef.fieldPath, fields);
  const kind = from.secretKeyRef === undefined ? 'ConfigMap' : 'Secret';
  const selector = from.secretKeyRef ?? from.configMapKeyRef;
  if (selector === undefined) throw new ContainerConfigError(`the test kubelet does not know the source of ${variable.name}`);
  const value = (await source(kind, selector))?.[selector.key];
  if (value !== undefined || selector.optional === true) return value;
  throw new ContainerConfigError(`couldn't find key ${selector.key} in ${kind} ${pod.metadata.namespace}/${selector.name}`);
}

function fieldOf(pod: Pod, path: string, fields: Environment): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const known: Environment = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec?.nodeName ?? '',
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? 'default',
    ...fields,
  };
  const value = known[path];
  if (value === undefined) throw new ContainerConfigError(`the test kubelet does not know the field ${path}`);
  return value;
}
