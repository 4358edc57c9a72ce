import { hostname } from 'node:os';
import { isCeleriacError } from '@celeriac/protocol';
import { createWorker, type WorkerOptions } from '@celeriac/worker';
import { type Command, InvalidArgumentError } from 'commander';
import { commandLogger } from '../command-logger.ts';
import {
  addConnectionOptions,
  backendOptionsOf,
  brokerOptionsOf,
  brokerUrlOf,
  type ConnectionOptions,
  resultBackendUrlOf,
} from '../connection-options.ts';
import { EXIT } from '../exit-codes.ts';
import { expandNodename } from '../nodename.ts';
import { countUpTo, listenAddress, names, seconds } from '../option-values.ts';
import { addQueueOptions, type QueueOptions, queueDeclaration } from '../queue-options.ts';
import { stopSignals } from '../stop-signals.ts';

/** Levels of `-l`; Celery's WARNING, CRITICAL and FATAL are understood too. */
const logLevels = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof logLevels)[number];

interface WorkerFlags extends ConnectionOptions, QueueOptions {
  readonly app: readonly string[];
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  readonly hostname: string;
  readonly loglevel: LogLevel;
  readonly taskEvents?: boolean;
  readonly timeLimit?: number;
  readonly softTimeLimit?: number;
  readonly maxTasksPerChild?: number;
  readonly maxMemoryPerChild?: number;
  readonly drainTimeout?: number;
  readonly http?: { readonly host: string; readonly port: number };
  readonly strict?: boolean;
  readonly watch?: boolean;
  readonly pools?: string;
}

/** `celeriac worker -A tasks.ts -Q q1,q2 -c 4 -n name@%h -b URL --result-backend URL` */
export function configure(command: Command): void {
  addQueueOptions(addConnectionOptions(command))
    .requiredOption('-A, --app <modules>', 'comma-separated task modules (.ts, .js, .mjs or packages)', names)
    .option('-Q, --queues <names>', 'comma-separated queues (default: celery)', names)
    .option('-c, --concurrency <slots>', "tasks that run at once (default: the machine's parallelism)", countUpTo())
    .option('-n, --hostname <name>', 'node name; %h is the host, %n its first part, %d its domain', 'celery@%h')
    .option('-l, --loglevel <level>', `least level that is logged: ${logLevels.join(', ')}`, logLevel, 'warn')
    .option('-E, --task-events', 'send task events')
    .option('--time-limit <seconds>', 'hard limit of tasks that state none', seconds)
    .option('--soft-time-limit <seconds>', 'soft limit of tasks that state none', seconds)
    .option('--max-tasks-per-child <count>', 'replace a child after this many tasks', countUpTo())
    .option('--max-memory-per-child <KiB>', 'replace a child whose memory is over this, after its task', countUpTo())
    .option('--drain-timeout <seconds>', 'how long SIGTERM waits for what runs (default: 25)', seconds)
    .option('--http <host:port>', 'serve /livez, /readyz and /metrics', listenAddress)
    .option('--strict', 'refuse to start where a warning would do, such as with a Redis that may evict keys')
    .option('--pools <file>', 'pools.yaml: what tasks call goes to the smallest pool that has what it needs')
    .option('--watch', 'load the task modules anew when they, or what they import by a relative path, change')
    .action(run);
}

async function run(flags: WorkerFlags): Promise<void> {
  const broker = brokerUrlOf(flags);
  const backend = resultBackendUrlOf(flags);
  const logger = await commandLogger('worker', flags.loglevel);
  const options: WorkerOptions = {
    broker,
    ...(backend === undefined ? {} : { backend }),
    brokerTransportOptions: brokerOptionsOf(flags),
    resultBackendTransportOptions: backendOptionsOf(flags),
    modules: flags.app,
    childEnv: process.env,
    queues: (flags.queues ?? ['celery']).map((name) => queueDeclaration(name, flags)),
    ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
    nodename: expandNodename(flags.hostname, hostname()),
    taskEvents: flags.taskEvents === true,
    taskLines: flags.loglevel === 'info' || flags.loglevel === 'debug',
    ...(flags.timeLimit === undefined ? {} : { timeLimit: flags.timeLimit }),
    ...(flags.softTimeLimit === undefined ? {} : { softTimeLimit: flags.softTimeLimit }),
    ...(flags.maxTasksPerChild === undefined ? {} : { maxTasksPerChild: flags.maxTasksPerChild }),
    ...(flags.maxMemoryPerChild === undefined ? {} : { maxMemoryPerChild: flags.maxMemoryPerChild }),
    ...(flags.drainTimeout === undefined ? {} : { drainTimeoutMs: flags.drainTimeout * 1000 }),
    ...(flags.http === undefined ? {} : { http: flags.http }),
    ...(flags.strict === true ? { strict: true } : {}),
    ...(flags.pools === undefined ? {} : { pools: await (await import('../pools-file.ts')).readPoolList(flags.pools) }),
    logger,
  };
  const worker = await createWorker(options);
  const started = Promise.withResolvers<void>();
  const watch =
    flags.watch === true
      ? (await import('../watch/reload-on-change.ts')).reloadOnChange(worker, started.promise, flags.app, logger)
      : undefined;
  const signals = stopSignals(['SIGTERM', 'SIGINT', 'SIGQUIT']);
  void signals.first.then((signal) => {
    logger.info({}, `${signal}: warm shutdown; once more, more than a second later, ends it now`);
    void worker.drain();
  });
  signals.hurry.addEventListener('abort', () => {
    logger.info({}, `${String(signals.hurry.reason)}: cold shutdown; what still runs is given back`);
    worker.hurry();
  });
  try {
    try {
      await worker.start();
    } catch (error) {
      // Told to end before it had reached the broker.
      if (signals.received && isCeleriacError(error, 'CELERIAC_E_CLOSED')) return;
      throw error;
    }
    started.resolve();
    const served = worker.http === undefined ? '' : ` http://${worker.http.host}:${worker.http.port}`;
    if (!signals.received) process.stdout.write(`${worker.nodename} ready.${served}\n`);
    const { finished, interrupted, handedBack } = await worker.ended;
    logger.info({ finished, interrupted, handedBack }, 'stopped');
    process.exitCode = interrupted > 0 ? EXIT.interrupted : EXIT.ok;
  } finally {
    watch?.close();
    signals.off();
  }
}

function logLevel(value: string): LogLevel {
  const lower = value.toLowerCase();
  const level = { warning: 'warn', critical: 'error', fatal: 'error' }[lower] ?? lower;
  const known = logLevels.find((name) => name === level);
  if (known === undefined) throw new InvalidArgumentError(`one of ${logLevels.join(', ')} is needed`);
  return known;
}
