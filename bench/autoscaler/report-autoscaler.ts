import { readable } from '../statistics.ts';
import type { AutoscalerFigures } from './measure-autoscaler.ts';

export const AUTOSCALER_HEADING = '## Autoscaler';

/** The part of RESULTS.md about the autoscaler; `about` says when and where it was measured. */
export function autoscalerMarkdown(figures: AutoscalerFigures, about: string): string {
  const { deciding, sampling, wakes, bursts, costs } = figures;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  return `${AUTOSCALER_HEADING}

${about}
\`celeriac autoscale\` as built, a process of its own, with a real etcd, kube-apiserver and kube-controller-manager beside it on the same machine.
Times run from before the publish until a watch of the API server shows the new number of replicas.

### From zero

One task to a pool at zero, ${wakes[0]?.trials ?? 0} pools one after another. Real KEDA 2.21 with the HPA on two cores (redis trigger): median 13.9 s,
worst 28.3 s by default; median 0.35 s, worst 0.92 s with a poll of 1 s.

${table(
  ['broker', 'pools', 'median ms', 'p99 ms', 'worst ms', 'KEDA by default over our median', 'KEDA tuned over our median'],
  wakes.map((row) => [
    row.broker,
    readable(row.pools),
    readable(row.p50Ms),
    readable(row.p99Ms),
    readable(row.worstMs),
    `${readable(13_900 / row.p50Ms)}x`,
    `${readable(350 / row.p50Ms)}x`,
  ]),
)}

400 tasks at once to a pool that may have 40 replicas. KEDA wanted its 20th replica after 71.7 s by default, after 9.3 s tuned (medians).

${table(
  ['broker', 'trials', 'first write asks for all', 'all wanted, median ms', 'worst ms'],
  bursts.map((row) => [
    row.broker,
    String(row.trials),
    `${Math.round(row.inOneWrite * 100)} %`,
    readable(row.p50Ms),
    readable(row.worstMs),
  ]),
)}

### At scale

All depths of many queues, read at once:

${table(
  ['broker', 'queues', 'median ms', 'worst ms'],
  sampling.map((row) => [row.broker, readable(row.queues), readable(row.tookMs), readable(row.worstMs)]),
)}

${readable(deciding.pools)} pools of ${deciding.podsEach} pods decided and their scale-in stepped, once each: ${readable(deciding.tookMs)} ms.

What one controller costs. \`at work\`: every pod is up and busy and sends a heartbeat every 2 s. CPU is the share of one core, memory the largest seen,
both with a scrape every 10 s.

${table(
  ['broker', 'pools', 'pods', 'state', 'RSS MiB', 'CPU', 'scrape ms', 'scrape MiB'],
  costs.map((row) => [
    row.broker,
    readable(row.pools),
    readable(row.pods),
    row.what,
    readable(row.rssMib),
    `${readable(row.cpuShare * 100)} %`,
    readable(row.scrapeMs),
    readable(row.scrapeMib),
  ]),
)}
`;
}
