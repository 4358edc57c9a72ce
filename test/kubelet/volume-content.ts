// What the files of a pod's volumes hold: Secrets, ConfigMaps, the pod's own fields and tokens of its service account.

import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import type { Rest } from '../kubernetes/rest.ts';
import type { VolumeFile, VolumeFiles } from './atomic-files.ts';
import type { DownwardItem, KeysSource, Pod, ProjectedSource, Volume } from './pod.ts';
import { podField } from './pod-field.ts';
import { readStored } from './stored-data.ts';

const DEFAULT_MODE = 0o644;

export interface VolumeReader {
  readonly api: Rest;
  readonly pod: Pod;
  /** Of the pod, beyond its metadata. */
  readonly fields: Readonly<Record<string, string>>;
}

/** `null` for a volume that holds what its containers write. Rejects where a source is missing that may not be. */
export async function volumeFiles(reader: VolumeReader, volume: Volume): Promise<VolumeFiles | null> {
  const { secret, configMap, downwardAPI, projected, emptyDir } = volume;
  if (secret !== undefined) return sourceFiles(reader, { secret: { ...secret, name: secret.secretName } }, secret.defaultMode);
  if (configMap !== undefined) return sourceFiles(reader, { configMap }, configMap.defaultMode);
  if (downwardAPI !== undefined) return sourceFiles(reader, { downwardAPI }, downwardAPI.defaultMode);
  if (projected !== undefined) {
    const files: Record<string, VolumeFile> = {};
    for (const source of projected.sources ?? []) Object.assign(files, await sourceFiles(reader, source, projected.defaultMode));
    return files;
  }
  if (emptyDir !== undefined) return null;
  throw new Error(`the test kubelet does not know volumes such as ${JSON.stringify(volume)}`);
}

/** Whether its content stays what it was at the start, as far as a test can see: a token is good for longer than any test. */
export function isLasting(volume: Volume): boolean {
  const sources = volume.projected?.sources;
  return volume.emptyDir !== undefined || (sources?.some((source) => source.serviceAccountToken !== undefined) ?? false);
}

async function sourceFiles(reader: VolumeReader, source: ProjectedSource, mode: number = DEFAULT_MODE): Promise<VolumeFiles> {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  if (secret !== undefined) return storedFiles(reader, 'Secret', secret, mode);
  if (configMap !== undefined) return storedFiles(reader, 'ConfigMap', configMap, mode);
  if (downwardAPI !== undefined)
    return Object.fromEntries((downwardAPI.items ?? []).map((item) => [item.path, fieldFile(reader, item, mode)]));
  if (serviceAccountToken !== undefined)
    return { [serviceAccountToken.path]: { content: await token(reader, serviceAccountToken), mode: 0o600 } };
  throw new Error(`the test kubelet does not know the source ${JSON.stringify(source)}`);
}

async function storedFiles(
  { api, pod }: VolumeReader,
  kind: 'Secret' | 'ConfigMap',
  source: KeysSource & { readonly name: string },
  mode: number,
): Promise<VolumeFiles> {
  const stored = (await readStored(api, pod.metadata.namespace ?? 'default', kind, source)) ?? {};
  const items = source.items ?? Object.keys(stored).map((key) => ({ key, path: key }));
  const files: Record<string, VolumeFile> = {};
  for (const item of items) {
    const content = stored[item.key];
    if (content !== undefined) files[item.path] = { content, mode: 'mode' in item ? (item.mode ?? mode) : mode };
    else if (source.optional !== true) throw new Error(`references non-existent config key: ${item.key}`);
  }
  return files;
}

function fieldFile({ pod, fields }: VolumeReader, item: DownwardItem, mode: number): VolumeFile {
  return { content: Buffer.from(podField(pod, item.fieldRef?.fieldPath ?? '', fields)), mode: item.mode ?? mode };
}

/** Bound to the pod, as a kubelet's: it is worth nothing when the pod is gone. */
async function token({ api, pod }: VolumeReader, source: NonNullable<ProjectedSource['serviceAccountToken']>): Promise<Buffer> {
  const { name, namespace = 'default', uid } = pod.metadata;
  const path = resourcePath('ServiceAccount', namespace, pod.spec?.serviceAccountName ?? 'default', 'token');
  const { status } = await api.create<KubeObject<unknown, { readonly token: string }>>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(source.audience === undefined ? {} : { audiences: [source.audience] }),
      expirationSeconds: source.expirationSeconds ?? 3_600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  });
  return Buffer.from(status?.token ?? '');
}
