// Where the programs of a Kubernetes control plane are: KUBEBUILDER_ASSETS, in the layout of controller-runtime's envtest, or what the
// optional folder ../shared/kube beside the repository unpacks.

import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const UNPACK = resolve(import.meta.dirname, '../../../shared/kube/unpack');
const NEEDED = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
const UNPACK_LIMIT_MS = 300_000;

export type KubernetesProgram = (typeof NEEDED)[number] | 'kube-scheduler';

export type KubernetesAssets =
  | {
      /** Where the programs lie side by side. */
      readonly folder: string;
    }
  | {
      /** Why there are none. */
      readonly missing: string;
      /** Nothing names a place where they should be: a machine without them, not one that is broken. */
      readonly optional: boolean;
    };

let found: Promise<KubernetesAssets> | undefined;

/** Looks once per process; the first look on a machine may unpack, which takes ten seconds. Never rejects. */
export function kubernetesAssets(): Promise<KubernetesAssets> {
  found ??= look();
  return found;
}

/** The path of a program. Throws with the reason when it is not there. */
export async function kubernetesProgram(name: KubernetesProgram): Promise<string> {
  const assets = await kubernetesAssets();
  if ('missing' in assets) throw new Error(assets.missing);
  const path = join(assets.folder, name);
  if (!isProgram(path)) throw new Error(`no ${name} in ${assets.folder}`);
  return path;
}

async function look(): Promise<KubernetesAssets> {
  const named = process.env['KUBEBUILDER_ASSETS'];
  if (named !== undefined && named !== '') return complete(resolve(named), 'KUBEBUILDER_ASSETS');
  if (!existsSync(UNPACK)) {
    const how = `set KUBEBUILDER_ASSETS to a folder with ${NEEDED.join(', ')} (setup-envtest makes one without kube-controller-manager: add that)`;
    return { missing: `no Kubernetes programs on this machine: ${how}`, optional: true };
  }
  try {
    const { stdout } = await run(UNPACK, [], { timeout: UNPACK_LIMIT_MS });
    return complete(stdout.trim(), UNPACK);
  } catch (error) {
    return { missing: `${UNPACK} failed: ${error instanceof Error ? error.message.trim() : String(error)}`, optional: false };
  }
}

function complete(folder: string, source: string): KubernetesAssets {
  const absent = NEEDED.filter((name) => !isProgram(join(folder, name)));
  if (absent.length === 0) return { folder };
  const hint = absent.includes('kube-controller-manager')
    ? ' (setup-envtest brings no kube-controller-manager: add it to that folder)'
    : '';
  return { missing: `${source}: no ${absent.join(', no ')} in ${folder}${hint}`, optional: false };
}

/** Whether there is something that can be run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
