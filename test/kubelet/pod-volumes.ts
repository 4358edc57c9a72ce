// The volumes of one pod, in its own folder: made before its first container starts, and brought up to date while it runs.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { type VolumeFiles, writeAtomically } from './atomic-files.ts';
import { withMounts } from './machine-names.ts';
import type { Container, Pod, Volume } from './pod.ts';
import { isLasting, type VolumeReader, volumeFiles } from './volume-content.ts';

const ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface PodVolumesOptions {
  /** With the pod as it is now. */
  reader(): VolumeReader;
  /** Of the pod. */
  readonly dir: string;
  /** Between two looks whether a Secret or ConfigMap has changed. */
  readonly syncMs: number;
  /** The API server's address, for kubeconfigs. */
  readonly server: string;
}

export class PodVolumes {
  readonly #options: PodVolumesOptions;
  #made: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PodVolumesOptions) {
    this.#options = options;
  }

  /** Makes all volumes, once; rejects while a source is missing, and is called again. */
  async ready(): Promise<void> {
    this.#made ??= this.#make();
    try {
      await this.#made;
    } catch (error) {
      this.#made = undefined;
      // of any kind: its containers stay in ContainerCreating until the volumes are there
      throw new Error('MountVolume.SetUp failed', { cause: error });
    }
  }

  /** Where the mount paths of a container are on this machine. */
  mounts(container: Container): ReadonlyMap<string, string> {
    const mounts = new Map<string, string>();
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      if (!isAbsolute(mountPath)) throw new Error(`${mountPath} is not an absolute path`);
      mounts.set(normalize(mountPath).replace(/(?<=.)\/$/, ''), join(this.#folder(name), subPath ?? ''));
    }
    return mounts;
  }

  /**
   * The way to the API server for a pod whose account is mounted: what stands at ACCOUNT_PATH in a cluster stands in the pod's folder here,
   * so that a kubeconfig names the very same files.
   */
  accountEnvironment(container: Container): Readonly<Record<string, string>> {
    const account = this.mounts(container).get(ACCOUNT_PATH);
    if (account === undefined) return {};
    const cluster = { server: this.#options.server, 'certificate-authority': join(account, 'ca.crt') };
    const { namespace } = this.#options.reader().pod.metadata;
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'pod' },
      clusters: [{ name: 'pod', cluster }],
      users: [{ name: 'pod', user: { tokenFile: join(account, 'token') } }],
      contexts: [{ name: 'pod', context: { cluster: 'pod', user: 'pod', namespace } }],
    };
    const path = join(this.#options.dir, 'kubeconfig');
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    const { hostname, port } = new URL(this.#options.server);
    return { KUBECONFIG: path, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #make(): Promise<void> {
    const volumes = this.#volumes();
    for (const volume of volumes) await this.#write(volume);
    if (volumes.some((volume) => !isLasting(volume))) this.#syncLater();
  }

  #syncLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#sync().finally(() => this.#syncLater()), this.#options.syncMs);
  }

  async #sync(): Promise<void> {
    for (const volume of this.#volumes()) {
      // what is gone or cannot be asked for leaves the files as they are, as a kubelet does
      if (!isLasting(volume)) await this.#write(volume).catch(() => {});
    }
  }

  async #write(volume: Volume): Promise<void> {
    const files = await volumeFiles(this.#options.reader(), volume);
    if (this.#closed) return;
    const folder = this.#folder(volume.name);
    if (files === null) mkdirSync(folder, { recursive: true });
    else writeAtomically(folder, this.#told(files));
  }

  /** Files that name files of other volumes name them where they are. */
  #told(files: VolumeFiles): VolumeFiles {
    const { containers = [], initContainers = [] } = this.#pod().spec ?? {};
    const mounts = new Map([...containers, ...initContainers].flatMap((container) => [...this.mounts(container)]));
    const tell = (content: Buffer): Buffer => {
      const text = content.toString('utf8');
      const told = withMounts(text, { mounts, isThere: existsSync });
      return told === text ? content : Buffer.from(told);
    };
    return Object.fromEntries(Object.entries(files).map(([path, file]) => [path, { ...file, content: tell(file.content) }]));
  }

  #pod(): Pod {
    return this.#options.reader().pod;
  }

  #volumes(): readonly Volume[] {
    return this.#pod().spec?.volumes ?? [];
  }

  #folder(name: string): string {
    return join(this.#options.dir, 'volumes', name);
  }
}
