// What `spec.replicas` of the Deployments of a namespace was seen to become.

import type { ControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';

/** `spec.replicas` as it was seen to become. */
export interface ReplicasChange {
  readonly replicas: number;
  /** Epoch ms. */
  readonly atMs: number;
}

/** Every change of every Deployment of the namespace from now on, oldest first, by its name. */
export function watchReplicas(
  cluster: ControlPlane,
  namespace: string,
  stack: AsyncDisposableStack,
): ReadonlyMap<string, readonly ReplicasChange[]> {
  const changes = new Map<string, ReplicasChange[]>();
  const ended = new AbortController();
  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await cluster.api
        .watch<KubeObject<{ replicas?: number }>>(resourcePath('Deployment', namespace), {}, ended.signal, ({ object }) => {
          const name = object.metadata?.name;
          if (name === undefined) return;
          const seen = changes.get(name) ?? [];
          const replicas = object.spec?.replicas ?? 0;
          if (seen.at(-1)?.replicas !== replicas) seen.push({ replicas, atMs: Date.now() });
          changes.set(name, seen);
        })
        // The API server may be away for a while.
        .catch(() => letTimePass(50, 'before the watch is begun anew'));
    }
  };
  const following = follow();
  stack.defer(async () => {
    ended.abort();
    await following;
  });
  return changes;
}
