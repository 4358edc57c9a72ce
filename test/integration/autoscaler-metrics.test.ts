// A live scrape of the autoscaler, judged by Prometheus' own tool.

import { serveAutoscaler } from '@celeriac/autoscaler';
import { silentLogger } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { findScrapeCheck } from './scrape-check.ts';

/** Names and labels that are KEDA's, which does not follow Prometheus' advice on them. */
const OF_KEDA = [
  /^(celeriac|keda)_(trigger|resource)_registered_total non-counter metrics should not have "_total" suffix$/,
  /^(celeriac|keda)_scale[rd]_\S+ label names should be written in 'snake_case' not 'camelCase'$/,
];

const check = await findScrapeCheck();

it.skipIf(check === undefined)(
  "promtool finds nothing in a live scrape but what is KEDA's way of naming",
  { timeout: 180_000 },
  async () => {
    await using broker = await startRedis();
    const pools = `
pools:
  default:
    queues: [celery, emails]
    slotsPerReplica: 2
    scaling: { min: 1, max: 2 }
    target: { local: { command: ${ourWorker} } }
  idle:
    queues: [rare]
    slotsPerReplica: 1
    target: { local: { command: ${ourWorker} } }
`;
    await using rig = await startAutoscaler(broker.url, pools);
    const identity = { version: '0.0.0', broker: 'redis', kedaNames: true };
    const http = await serveAutoscaler({ autoscaler: rig.autoscaler, port: 0, identity, logger: silentLogger });
    try {
      await rig.nextTick((tick) => tick.pool === 'default' && tick.decision.evidence.replicas.ready === 1, 90_000);
      const text = await (await fetch(`http://${http.host}:${http.port}/metrics`)).text();
      expect(text).toMatch(/^celeriac_cold_start_seconds_count\{pool="default"\} 1$/m);
      expect(text).toMatch(/^celeriac_pool_slots\{pool="default",state="ready"\} 2$/m);
      expect(text).toMatch(/^celeriac_tasks_killed_total\{pool="default",cause="scale-in"\} 0$/m);
      const complaints = (await check?.(text)) ?? [];
      expect(complaints.filter((line) => !OF_KEDA.some((known) => known.test(line)))).toEqual([]);
      // It does look: what it has to say of KEDA's names is there.
      expect(complaints).toContain("keda_scaler_active label names should be written in 'snake_case' not 'camelCase'");
      expect(await check?.(text.replace('# TYPE celeriac_leader gauge', '# TYPE celeriac_leader counter'))).toContain(
        'celeriac_leader counter metrics should have "_total" suffix',
      );
    } finally {
      await http.close();
    }
  },
);
