import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { promtools, runPromtool } from './promtool.ts';

it("Prometheus of docker/compose.yaml is configured as Prometheus' own tool wants it", async () => {
  const file = resolve(import.meta.dirname, '../../docker/prometheus/prometheus.yml');
  for (const promtool of await promtools()) expect(await runPromtool(promtool, ['check', 'config', file])).toContain('SUCCESS');
});
