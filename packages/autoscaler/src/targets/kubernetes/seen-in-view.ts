import type { ClusterView } from '../../kubernetes/cluster.ts';

/** Resolves with true once `shows` says so after a change of the view, with false when it has not within `limitMs`. */
export async function seenInView(view: Pick<ClusterView, 'onChange'>, shows: () => boolean, limitMs: number): Promise<boolean> {
  if (shows()) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const end = view.onChange(() => {
    if (shows()) resolve(true);
  });
  const timer = setTimeout(() => resolve(false), limitMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    end();
  }
}
