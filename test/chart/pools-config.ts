// The pools.yaml that was rendered, as the autoscaler's own reader takes it.

import type { PoolsConfig } from '../../packages/autoscaler/src/config/pools-config.ts';
import { readPools } from '../../packages/autoscaler/src/config/read-pools.ts';
import type { Rendered } from './render.ts';

/** Reads it. Rejects with every fault where the autoscaler would refuse it, and where there is none. */
export async function poolsConfig(rendered: Rendered): Promise<PoolsConfig> {
  const texts = rendered
    .of('ConfigMap')
    .flatMap(({ data }) => (data as Readonly<Record<string, string>> | undefined)?.['pools.yaml'] ?? []);
  if (texts.length !== 1) throw new Error(`${texts.length} ConfigMaps with a pools.yaml`);
  return readPools(String(texts[0]));
}
