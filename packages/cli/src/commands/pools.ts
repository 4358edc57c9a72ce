import type { PoolSummary } from '@celeriac/autoscaler';
import type { Command } from 'commander';
import { addServerOption, askAutoscaler, type ServerOption } from '../autoscaler-api.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

async function pools(options: ServerOption & OutputOption): Promise<void> {
  const answer = (await askAutoscaler(options.server, '/api/pools')) as { readonly pools: readonly PoolSummary[] };
  const rows = answer.pools.map((pool) => [
    pool.pool,
    String(pool.replicas),
    String(pool.wanted),
    `${pool.min}-${pool.max}`,
    pool.waiting === null ? '?' : String(pool.waiting),
    String(pool.running),
    pool.mode,
    pool.reason,
  ]);
  const table = [['POOL', 'REPLICAS', 'WANTED', 'BOUNDS', 'WAITING', 'RUNNING', 'MODE', 'REASON'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const text = table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
  print(options.output, answer, text);
}

/** `celeriac pools` */
export function configure(command: Command): void {
  addOutputOption(addServerOption(command)).action(pools);
}
