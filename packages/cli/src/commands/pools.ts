import type { PoolSummary } from '@celeriac/autoscaler';
import type { Command } from 'commander';
import { addServerOption, askAutoscaler, type ServerOption } from '../autoscaler-api.ts';
import { ordersText } from '../orders-text.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';
import { textTable } from '../text-table.ts';

interface Listing {
  readonly pools: readonly PoolSummary[];
  readonly lease: { readonly held: boolean; readonly holder: string | null };
}

const HEADINGS = ['POOL', 'REPLICAS', 'WANTED', 'BOUNDS', 'STUCK', 'WAITING', 'RUNNING', 'MODE', 'REASON', 'NOTES'];

async function pools(options: ServerOption & OutputOption): Promise<void> {
  const answer = (await askAutoscaler(options.server, '/api/pools')) as Listing;
  const rows = answer.pools.map((pool) => [
    pool.pool,
    String(pool.replicas),
    String(pool.wanted),
    `${pool.min}-${pool.max}`,
    String(pool.stuck),
    pool.waiting === null ? '?' : String(pool.waiting),
    String(pool.running),
    pool.mode,
    pool.reason,
    notes(pool),
  ]);
  print(options.output, answer, [...standby(answer), textTable([HEADINGS, ...rows])].join('\n'));
}

/** What people, others and limits say of a pool. */
function notes({ orders, hold, limited, granted, max, unknown }: PoolSummary): string {
  const ordered = ordersText(orders);
  return [
    ...(ordered === '' ? [] : [ordered]),
    ...(hold === null ? [] : [`held: ${hold}`]),
    ...(limited === null ? [] : [`limited: ${limited}`]),
    ...(granted === null || granted >= max ? [] : [`budget leaves ${granted}`]),
    ...(unknown.length === 0 ? [] : [unknown.length === 1 ? (unknown[0] ?? '') : `${unknown.length} signals missing`]),
  ].join('; ');
}

function standby({ lease, pools: listed }: Listing): readonly string[] {
  if (lease.held) return [];
  const who = lease.holder === null ? 'nobody' : lease.holder;
  return [`standing by, ${who} holds the lease${listed.length === 0 ? '' : '; these are from when this one did'}`];
}

/** `celeriac pools` */
export function configure(command: Command): void {
  addOutputOption(addServerOption(command)).action(pools);
}
