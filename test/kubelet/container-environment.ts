// What a container is started with: its environment from the pod's spec and the API, and its command with $(VAR) filled in.

import type { Rest } from '../kubernetes/rest.ts';
import { ContainerConfigError } from './container-config-error.ts';
import type { Container, EnvVar, Pod } from './pod.ts';
import { podField } from './pod-field.ts';
import { readStored, type StoredReference } from './stored-data.ts';

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

type Source = (kind: 'Secret' | 'ConfigMap', reference: StoredReference | undefined) => Promise<Environment | undefined>;

function createSource(api: Rest, namespace: string): Source {
  return async (kind, reference) => {
    if (reference === undefined) return undefined;
    const stored = await readStored(api, namespace, kind, reference);
    if (stored === undefined) return undefined;
    return Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, value.toString('utf8')]));
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
  if (from.fieldRef !== undefined) return podField(pod, from.fieldRef.fieldPath, fields);
  const kind = from.secretKeyRef === undefined ? 'ConfigMap' : 'Secret';
  const selector = from.secretKeyRef ?? from.configMapKeyRef;
  if (selector === undefined) throw new ContainerConfigError(`the test kubelet does not know the source of ${variable.name}`);
  const value = (await source(kind, selector))?.[selector.key];
  if (value !== undefined || selector.optional === true) return value;
  throw new ContainerConfigError(`couldn't find key ${selector.key} in ${kind} ${pod.metadata.namespace}/${selector.name}`);
}
