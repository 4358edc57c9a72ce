import { fieldsOf, listOf, shortTextOf, textOf, timeOf } from './fields.ts';
import type { SlimCondition } from './slim.ts';

/** The owner of a kind that controls the object, or null. */
export function controllerOf(
  metadata: Readonly<Record<string, unknown>>,
  kind: string,
): { readonly uid: string; readonly name: string } | null {
  for (const entry of listOf(metadata['ownerReferences'])) {
    const owner = fieldsOf(entry);
    const uid = textOf(owner['uid']);
    const name = textOf(owner['name']);
    if (owner['controller'] === true && owner['kind'] === kind && uid !== null && name !== null) return { uid, name };
  }
  return null;
}

/** The condition of a type, or null. */
export function conditionOf(status: Readonly<Record<string, unknown>>, type: string): SlimCondition | null {
  for (const entry of listOf(status['conditions'])) {
    const condition = fieldsOf(entry);
    if (condition['type'] !== type) continue;
    return {
      status: textOf(condition['status']) ?? 'Unknown',
      reason: textOf(condition['reason']),
      message: shortTextOf(condition['message']),
      sinceMs: timeOf(condition['lastTransitionTime']),
    };
  }
  return null;
}

/** What every object is known by; null for what is none. */
export function identityOf(
  metadata: Readonly<Record<string, unknown>>,
): { readonly uid: string; readonly name: string; readonly namespace: string; readonly resourceVersion: string } | null {
  const uid = textOf(metadata['uid']);
  const name = textOf(metadata['name']);
  const namespace = textOf(metadata['namespace']);
  const resourceVersion = textOf(metadata['resourceVersion']);
  return uid === null || name === null || namespace === null || resourceVersion === null ? null : { uid, name, namespace, resourceVersion };
}
