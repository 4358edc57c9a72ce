// `kubectl get -w`: follows the objects of a kind as anybody could from outside.

import type { KubeObject } from '../kubernetes/objects.ts';
import { spawnProcess } from '../spawned-process.ts';
import type { OneNode } from './cluster.ts';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export interface KubectlWatch {
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `onEvent` is called for what is there already, as ADDED, and for every change. */
export function watchWithKubectl<T = KubeObject>(
  cluster: OneNode,
  kind: string,
  namespace: string,
  selector: string,
  onEvent: (event: WatchEvent<T>) => void,
): KubectlWatch {
  const args = ['get', kind, '-n', namespace, '-l', selector, '--watch', '--output-watch-events', '-o', 'json'];
  const watch = spawnProcess(cluster.program('kubectl'), args, { env: cluster.env });
  let rest = '';
  watch.child.stdout?.on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onEvent(JSON.parse(line) as WatchEvent<T>);
  });
  const stop = async (): Promise<void> => {
    await watch.stop(2_000);
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
