// How large the images are, and how long a pod of each takes until it is ready, on a real one-node cluster.

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { openImage } from '../../docker/image-archive.ts';
import { startReachableRedis } from '../../test/one-node/broker.ts';
import { type OneNode, oneNode } from '../../test/one-node/cluster.ts';
import { type PodWatch, watchPods } from '../../test/one-node/pod-watch.ts';
import { type RestrictedPod, ready, restrictedNamespace, restrictedPod } from '../../test/one-node/restricted-pod.ts';
import { whyNoOneNode } from '../../test/one-node/why-not.ts';
import { until } from '../../test/until.ts';
import { median } from '../statistics.ts';

export type ImageKind = 'worker' | 'autoscaler';

export interface LayerFigures {
  readonly what: string;
  /** Unpacked, and as a registry sends it (gzip), in MiB. */
  readonly mib: number;
  readonly gzipMib: number;
}

export interface ImageFigures {
  readonly image: ImageKind;
  readonly layers: readonly LayerFigures[];
}

/** Milliseconds as `kubectl get --watch` tells of them; medians, and the worst of the second. */
export interface StartFigures {
  readonly image: ImageKind;
  readonly pods: number;
  readonly createdToStartedMs: number;
  readonly startedToReadyMs: number;
  readonly worstStartedToReadyMs: number;
}

export interface ImagesFigures {
  readonly sizes: readonly ImageFigures[];
  readonly starts: readonly StartFigures[];
}

const MIB = 2 ** 20;
const KINDS: readonly ImageKind[] = ['worker', 'autoscaler'];

/** Builds the images, and starts so many pods of each, one after another. Undefined, with the reason told, where that cannot be. */
export async function measureImages(options: {
  readonly trials: number;
  readonly progress: (text: string) => void;
}): Promise<ImagesFigures | undefined> {
  const { missing } = await whyNoOneNode();
  if (missing !== undefined) {
    options.progress(`images: ${missing}`);
    return undefined;
  }
  options.progress('images: building them and starting a cluster');
  await using cluster = await oneNode();
  const sizes: ImageFigures[] = [];
  for (const image of KINDS) {
    const archive = cluster.archives?.[image];
    if (archive !== undefined) sizes.push({ image, layers: await layersOf(archive) });
  }
  const starts: StartFigures[] = [];
  for (const image of KINDS) {
    starts.push(await measureStarts(cluster, image, options.trials));
    options.progress(`images: ${image} ready ${starts.at(-1)?.startedToReadyMs.toFixed(0)} ms after its start`);
  }
  return { sizes, starts };
}

/** Ours are the last three; what is below them is the base image's. */
async function layersOf(archive: string): Promise<readonly LayerFigures[]> {
  using image = openImage(archive);
  const named: LayerFigures[] = [];
  const ours = ['tini', 'dependencies', 'Celeriac'];
  for (const [index, { bytes, file }] of image.layers.entries()) {
    const what = ours[index - (image.layers.length - ours.length)] ?? "Node's image";
    named.push({ what, mib: bytes / MIB, gzipMib: (await gzipBytes(file)) / MIB });
  }
  return named;
}

async function gzipBytes(file: string): Promise<number> {
  let bytes = 0;
  await pipeline(createReadStream(file), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) bytes += chunk.length;
  });
  return bytes;
}

async function measureStarts(cluster: OneNode, image: ImageKind, trials: number): Promise<StartFigures> {
  await using broker = await startReachableRedis(cluster.hostAddress);
  const namespace = await restrictedNamespace(cluster, 'bench');
  try {
    await cluster.apply(namespace, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'files' }, data: FILES }]);
    await using watch = watchPods(cluster, namespace, 'test=images');
    for (let trial = 0; trial < trials; trial += 1) {
      const name = `${image}-${trial}`;
      await cluster.apply(namespace, [restrictedPod(podOf(image, name, cluster, broker))]);
      await ready(cluster, namespace, name);
      await seenReady(watch, name);
      await cluster.kubectl(['delete', 'pod', '-n', namespace, name, '--wait']);
    }
    const starting = watch.pods().map(({ createdAtMs, startedAtMs = Number.NaN }) => startedAtMs - createdAtMs);
    const becoming = watch.pods().map(({ startedAtMs = Number.NaN, readyAtMs = Number.NaN }) => readyAtMs - startedAtMs);
    return {
      image,
      pods: trials,
      createdToStartedMs: median(starting),
      startedToReadyMs: median(becoming),
      worstStartedToReadyMs: Math.max(...becoming),
    };
  } finally {
    await cluster.deleteNamespace(namespace);
  }
}

const FILES: Readonly<Record<string, string>> = {
  'tasks.ts': "import { defineTask } from '@celeriac/worker';\nexport const hello = defineTask('bench.hello', () => 'hello');\n",
  'pools.yaml':
    'pools: { a: { queues: [a], scaling: { min: 0, max: 1 }, target: { local: { command: [celeriac, worker, -A, tasks.ts] } } } }\n',
};

function podOf(
  image: ImageKind,
  name: string,
  cluster: OneNode,
  broker: { readonly url: string; readonly backend: string },
): RestrictedPod {
  const env = { CELERY_BROKER_URL: broker.url, CELERY_RESULT_BACKEND: broker.backend };
  const files = { configMap: 'files', path: '/app/files' };
  const common = { name, image: cluster.images[image], env, files };
  return image === 'worker'
    ? { ...common, args: ['worker', '-A', 'files/tasks.ts', '-c', '2', '--http', '0.0.0.0:8081'], port: 8081 }
    : { ...common, args: ['autoscale', '-f', 'files/pools.yaml', '--http', '0.0.0.0:9810'], port: 9810 };
}

async function seenReady(watch: PodWatch, name: string): Promise<void> {
  const seen = (): boolean => watch.pods().some((pod) => pod.name === name && pod.readyAtMs !== undefined);
  await until(seen, { what: `${name} ready, as the watch sees it` });
}
