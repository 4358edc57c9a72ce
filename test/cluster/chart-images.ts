// What stands for the chart's images under the test kubelet: `celeriac` from the sources, started as the images start it.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Images, TestImage } from '../kubelet/image.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const REGISTRY = 'docker.io/local';
const TAG = 'test';

export interface ChartImages extends Disposable {
  readonly images: Images;
  /** `image` of the chart's values. */
  readonly worker: ImageValues;
  /** `autoscaler.image` of the chart's values. */
  readonly autoscaler: ImageValues;
}

interface ImageValues {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

/** `others` are further images by their whole names. ENTRYPOINT, CMD and ENV of the chart's own are those of docker/Dockerfile; `celeriac` and `node` are on their PATH. */
export function chartImages(others: Readonly<Record<string, TestImage>> = {}): ChartImages {
  const bin = mkdtempSync(join(tmpdir(), 'celeriac-chart-bin-'));
  const main = resolve(ROOT, 'packages/cli/src/main.ts');
  const start = `exec '${process.execPath}' --conditions=@celeriac/source '${main}' "$@"`;
  writeFileSync(join(bin, 'celeriac'), `#!/bin/sh\n${start}\n`, { mode: 0o755 });
  symlinkSync(process.execPath, join(bin, 'node'));
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, NODE_ENV: 'production', HOME: '/tmp', NO_COLOR: '1' };
  const known: Readonly<Record<string, TestImage>> = {
    ...others,
    [`${REGISTRY}/celeriac-worker:${TAG}`]: { entrypoint: ['celeriac'], cmd: ['worker'], env },
    [`${REGISTRY}/celeriac-autoscaler:${TAG}`]: { entrypoint: ['celeriac'], cmd: ['autoscale'], env: { ...env, MALLOC_ARENA_MAX: '1' } },
  };
  const values = (repository: string): ImageValues => ({ registry: REGISTRY, repository, tag: TAG });
  return {
    images: (image) => known[image] ?? null,
    worker: values('celeriac-worker'),
    autoscaler: values('celeriac-autoscaler'),
    [Symbol.dispose]: () => rmSync(bin, { recursive: true, force: true }),
  };
}
