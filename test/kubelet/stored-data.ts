// The keys of Secrets and ConfigMaps, as a kubelet reads them for environments and volumes.

import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal, type Rest } from '../kubernetes/rest.ts';
import { ContainerConfigError } from './container-config-error.ts';

export interface StoredReference {
  readonly name: string;
  readonly optional?: boolean;
}

export type StoredData = Readonly<Record<string, Buffer>>;

/** `undefined` when it may be missing and is. Rejects with ContainerConfigError when it may not. */
export async function readStored(
  api: Rest,
  namespace: string,
  kind: 'Secret' | 'ConfigMap',
  reference: StoredReference,
): Promise<StoredData | undefined> {
  try {
    const path = resourcePath(kind, namespace, reference.name);
    const { data = {}, binaryData = {} } = await api.get<{ data?: Record<string, string>; binaryData?: Record<string, string> }>(path);
    const encoding = kind === 'Secret' ? 'base64' : 'utf8';
    return {
      ...Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)])),
      ...Object.fromEntries(Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    };
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
    if (reference.optional === true) return undefined;
    throw new ContainerConfigError(`${kind.toLowerCase()} "${reference.name}" not found`);
  }
}
