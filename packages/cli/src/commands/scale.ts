import { hostname, userInfo } from 'node:os';
import type { Orders } from '@celeriac/autoscaler';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addServerOption, addTokenOption, askAutoscaler, type ServerOption, type TokenOption } from '../autoscaler-api.ts';
import { ordersText } from '../orders-text.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

interface ScaleOptions extends ServerOption, TokenOption, OutputOption {
  readonly by?: string;
}

interface Answer {
  readonly pool: string;
  readonly orders: Orders;
  /** What is ordered on the target itself, such as by annotations: that is taken back there. */
  readonly onTarget: Orders;
}

async function order(pool: string, change: Partial<Pick<Orders, 'pause' | 'fixed'>>, options: ScaleOptions): Promise<void> {
  const { server, tokenFile, output } = options;
  const body = { ...change, by: options.by ?? whoWeAre() };
  const path = `/api/pools/${encodeURIComponent(pool)}/orders`;
  const answer = (await askAutoscaler(server, path, { body, ...(tokenFile === undefined ? {} : { tokenFile }) })) as Answer;
  const ordered = ordersText(answer.orders);
  const elsewhere = ordersText(answer.onTarget);
  const rest = elsewhere === '' ? 'the policy decides' : `but still ${elsewhere}`;
  print(output, answer, `${answer.pool}: ${ordered === '' ? `nothing is ordered here, ${rest}` : ordered}`);
}

function whoWeAre(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run under a user id without a name.
    return `${process.getuid?.() ?? 'somebody'}@${hostname()}`;
  }
}

function replicas(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 100_000) throw new InvalidArgumentError('a whole number from 0 to 100000 is needed');
  return number;
}

/** `celeriac scale pause|resume|set POOL` */
export function configure(command: Command): void {
  const add = (name: string, summary: string): Command =>
    addOutputOption(addTokenOption(addServerOption(command.command(name).description(summary))))
      .option('--by <who>', 'who orders it, for those who ask why (default: user@host)')
      .argument('<pool>', 'name of the pool');
  add('pause', 'hold a pool as it is, or in one direction, until resume; takes back a fixed number')
    .addOption(new Option('--in', 'only scaling in: it may still grow').conflicts('out'))
    .addOption(new Option('--out', 'only scaling out: it may still shrink'))
    .action((pool: string, options: ScaleOptions & { readonly in?: boolean; readonly out?: boolean }) =>
      order(pool, { pause: options.in === true ? 'in' : options.out === true ? 'out' : 'all', fixed: null }, options),
    );
  add('resume', 'take back what was ordered by pause and set').action((pool: string, options: ScaleOptions) =>
    order(pool, { pause: null, fixed: null }, options),
  );
  add('set', 'exactly so many replicas until resume, outside of min and max too; running work is never taken')
    .argument('<replicas>', 'how many', replicas)
    .action((pool: string, fixed: number, options: ScaleOptions) => order(pool, { fixed, pause: null }, options));
}
