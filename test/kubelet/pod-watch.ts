// Follows the pods of a namespace by list and watch, and begins again when the connection breaks.

import { type KubeList, resourcePath } from '../kubernetes/objects.ts';
import type { Rest } from '../kubernetes/rest.ts';
import { letTimePass } from '../until.ts';
import type { Pod } from './pod.ts';

const RETRY_MS = 250;

export interface PodFollower {
  readonly api: Rest;
  readonly namespace: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Waited for before each list. */
  awake(): Promise<void>;
  isPaused(): boolean;
  seen(pod: Pod): void;
  /** A list said which pods there are: all others are gone. */
  listed(uids: ReadonlySet<string>): void;
  deleted(uid: string): void;
}

export interface FollowedPods {
  readonly ended: Promise<void>;
  /** Ends the watch there is; after `awake` it begins again with a list. */
  cut(): void;
}

export function followPods(follower: PodFollower): FollowedPods {
  const { api, signal } = follower;
  const path = resourcePath('Pod', follower.namespace);
  let watch = new AbortController();

  const once = async (): Promise<void> => {
    await follower.awake();
    const list = await api.get<KubeList<Pod>>(path);
    if (follower.isPaused() || signal.aborted) return;
    follower.listed(new Set(list.items.map((pod) => pod.metadata.uid ?? '')));
    for (const pod of list.items) follower.seen(pod);
    watch = new AbortController();
    const query = { resourceVersion: list.metadata.resourceVersion, allowWatchBookmarks: true };
    await api.watch<Pod>(path, query, AbortSignal.any([watch.signal, signal]), ({ type, object }) => {
      if (follower.isPaused() || type === 'BOOKMARK' || type === 'ERROR') return;
      if (type === 'DELETED') follower.deleted(object.metadata.uid ?? '');
      else follower.seen(object);
    });
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await once().catch(() => {});
      if (!signal.aborted) await letTimePass(RETRY_MS, 'the API server ended the watch or is away');
    }
  };
  return { ended: loop(), cut: () => watch.abort() };
}
