import { CeleriacError } from '@celeriac/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { runBrokerOnly } from '../dev/broker-only.ts';
import type { DevOptions } from '../dev/run-dev.ts';
import { countUpTo, names, seconds } from '../option-values.ts';

interface DevFlags {
  readonly app?: readonly string[];
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly max?: number;
  readonly idle: number;
  readonly port: string;
  readonly db?: string;
  readonly maxMemory?: string;
  readonly broker?: string;
  readonly resultBackend?: string;
  readonly http?: 'off' | NonNullable<DevOptions['http']>;
  readonly brokerOnly?: boolean;
}

/** Slots of a worker, and workers. */
const MOST = 9_999;
const DEFAULT_HTTP = { port: 9810, asked: false };

/** `celeriac dev -A tasks.ts --port 16379`, `celeriac dev --broker-only --port 16379 --db work.db` */
export function configure(command: Command): void {
  command
    .option('-A, --app <modules>', 'comma-separated task modules; may be repeated', moreNames)
    .option('-Q, --queues <names>', 'comma-separated queues', (value: string) => names(value), ['celery'])
    .option('-c, --concurrency <slots>', 'tasks that run at once in one worker', countUpTo(MOST), 2)
    .option('--max <workers>', "workers at most (default: as many as the machine's processors need, at least 2)", countUpTo(MOST))
    .option('--idle <seconds>', 'time without work before workers go', seconds, 10)
    .option('--port <number>', 'port of the embedded broker on 127.0.0.1, 0 = a free one', '16379')
    .option('--db <file>', 'keep the keys in this file over a restart')
    .option('--max-memory <bytes>', 'refuse writes above this many bytes of keys; 0 = no limit')
    .option('-b, --broker <url>', 'a real broker in the place of the embedded one')
    .option('--result-backend <url>', "result backend (default: the embedded broker's database 1)")
    .option('--http <port>', 'serve pools, journal and metrics on this port of 127.0.0.1, or off (default: 9810 where free)', http)
    .option('--broker-only', 'only the embedded broker, for any Redis client')
    .action(dev);
}

async function dev({ app = [], ...flags }: DevFlags): Promise<void> {
  if (flags.brokerOnly !== true) {
    if (app.length === 0)
      throw new CeleriacError('CELERIAC_E_CONFIG', 'no task modules: give -A tasks.ts, or --broker-only for a broker alone');
    const { runDev } = await import('../dev/run-dev.ts');
    await runDev({ ...flags, app, http: flags.http === 'off' ? null : (flags.http ?? DEFAULT_HTTP) });
    return;
  }
  if (flags.broker !== undefined)
    throw new CeleriacError('CELERIAC_E_CONFIG', '--broker-only runs the embedded broker: leave --broker out');
  await runBrokerOnly(flags);
}

/** Commander hands over what earlier uses of the option gave. */
function moreNames(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...names(value)];
}

function http(value: string): DevFlags['http'] {
  if (value === 'off') return value;
  const port = Number(/^(?:(?:127\.0\.0\.1|localhost):)?(\d{1,5})$/.exec(value)?.[1]);
  if (!(port <= 65_535)) throw new InvalidArgumentError('a port of 127.0.0.1, or off, is needed');
  return { port, asked: true };
}
