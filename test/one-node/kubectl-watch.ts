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
    // documents one after the other, each ending with the only brace at the beginning of a line
    const documents = `${rest}${chunk}`.split(/^}\n/m);
    rest = documents.pop() ?? '';
    for (const document of documents) onEvent(JSON.parse(`${document}}`) as WatchEvent<T>);
  });
  const stop = async (): Promise<void> => {
    await watch.stop(2_000);
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
