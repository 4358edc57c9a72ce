import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import type { AutoscalerHttp, BrokerConfig, BrokerLink, CeleryMetrics, CeleryMetricsOptions, PoolsConfig } from '@celeriac/autoscaler';
import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import { type Command, Option } from 'commander';
import { commandLogger } from '../command-logger.ts';
import { withFiles } from '../connection-options.ts';
import { EXIT } from '../exit-codes.ts';
import { listenAddress } from '../option-values.ts';
import { stopSignals } from '../stop-signals.ts';
import { version } from '../version.ts';

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

interface AutoscaleOptions {
  readonly file?: string;
  readonly broker?: string;
  readonly dryRun?: boolean;
  readonly journal?: string;
  readonly http: 'off' | ReturnType<typeof listenAddress>;
  readonly httpTokenFile?: string;
  readonly kedaMetrics?: boolean;
  readonly celeryMetrics?: ReturnType<typeof listenAddress>;
  readonly celeryHostname: 'host' | 'pool';
  readonly podName?: string;
  readonly loglevel: (typeof logLevels)[number];
  readonly printSchema?: boolean;
}

async function autoscale(options: AutoscaleOptions): Promise<void> {
  keepMemorySmall();
  const { connectBroker, createAutoscaler, poolsJsonSchema, readPools, serveAutoscaler } = await import('@celeriac/autoscaler');
  if (options.printSchema === true) {
    process.stdout.write(`${JSON.stringify(await poolsJsonSchema(), null, 2)}\n`);
    return;
  }
  if (options.file === undefined) throw new CeleriacError('CELERIAC_E_CONFIG', 'no pools: give -f pools.yaml');
  const config = await readPools(await readText(options.file), options.file);
  const logger = await commandLogger('autoscale', options.loglevel);
  const transportOptions = withFiles(config.broker?.transportOptions);
  const connect = () => connectBroker({ source: brokerSource(options, config), transportOptions, logger });
  const transport = await connect();
  try {
    const autoscaler = createAutoscaler({
      config: options.dryRun === true ? inDryRun(config) : config,
      transport,
      logger,
      journalFile: options.journal,
      podName: options.podName,
      // Local workers find the broker where Celery looks for it, unless their command names one.
      env: environment(transport),
      programs: { celeriac: [process.execPath, ...process.execArgv, process.argv[1] ?? ''] },
    });
    const identity = { version, broker: transport.traits.name, kedaNames: options.kedaMetrics === true };
    const tokenFile = options.httpTokenFile;
    const celery = await celeryMetrics(options, { autoscaler, transport, logger }, connect);
    let http: AutoscalerHttp | undefined;
    try {
      if (options.http !== 'off')
        http = await serveAutoscaler({ autoscaler, ...options.http, identity, tokenFile, events: celery?.events, logger });
      const signals = stopSignals(['SIGTERM', 'SIGINT']);
      await autoscaler.start();
      const pools = config.pools.map(({ spec }) => spec.pool);
      logger.info({ pools, http: http === undefined ? null : `http://${http.host}:${http.port}` }, 'autoscaler ready');
      await signals.first;
      logger.info({}, 'stopping: draining local replicas');
      report(await autoscaler.stop({ hurry: signals.hurry }), logger);
    } finally {
      await autoscaler.stop();
      await http?.close();
      await celery?.close();
    }
  } finally {
    await transport.close();
  }
}

/** Events come over a connection of their own: Redis hangs up on who cannot keep up with them, and scaling must not be hung up on. */
async function celeryMetrics(
  { celeryMetrics: address, celeryHostname: hostnameLabel }: AutoscaleOptions,
  parts: Pick<CeleryMetricsOptions, 'autoscaler' | 'transport' | 'logger'>,
  connect: () => Promise<BrokerLink>,
): Promise<Pick<CeleryMetrics, 'events' | 'close'> | undefined> {
  if (address === undefined) return undefined;
  const { serveCeleryMetrics } = await import('@celeriac/autoscaler');
  const link = await connect();
  try {
    const { events, close } = await serveCeleryMetrics({ ...parts, ...address, hostnameLabel, eventBus: link.bus });
    const closeBoth = async (): Promise<void> => {
      await close();
      await link.close();
    };
    return { events, close: closeBoth };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/**
 * Turns make much that lives no longer than they do, which V8 would let pile up; and its compiler's threads keep the memory they once used.
 * With 1,000 pools and 5,000 pods at work: 200 MiB instead of 470, for a tenth of a core.
 */
function keepMemorySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=25');
  setFlagsFromString('--no-concurrent-recompilation');
}

function report(left: readonly string[], logger: Logger): void {
  if (left.length === 0) return;
  logger.error({ replicas: left }, 'these replicas were told to drain and still run');
  process.exitCode = EXIT.failure;
}

function inDryRun(config: PoolsConfig): PoolsConfig {
  const pools = config.pools.map((pool) => {
    const target = pool.target.kind === 'deployment' ? { ...pool.target, protectBusy: false } : pool.target;
    const mode = pool.spec.mode === 'off' ? ('off' as const) : ('dry-run' as const);
    return { ...pool, target, spec: { ...pool.spec, mode } };
  });
  return { ...config, pools };
}

/** Ours, with the URL in use now: it changes where it is read from a file. */
function environment(link: { readonly url: string }): Readonly<Record<string, string | undefined>> {
  return Object.defineProperty({ ...process.env }, 'CELERY_BROKER_URL', { get: () => link.url, enumerable: true });
}

function brokerSource(options: AutoscaleOptions, config: PoolsConfig): BrokerConfig['source'] {
  const url = options.broker ?? (config.broker === undefined ? process.env.CELERY_BROKER_URL : undefined);
  const source = url === undefined ? config.broker?.source : { url };
  if (source !== undefined && !('url' in source && source.url === '')) return source;
  throw new CeleriacError(
    'CELERIAC_E_CONFIG',
    'no broker: give broker.url or broker.urlFile in the file, -b URL, or set CELERY_BROKER_URL',
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** `celeriac autoscale -f pools.yaml` */
export function configure(command: Command): void {
  command
    .option('-f, --file <file>', 'pools.yaml')
    .option('-b, --broker <url>', "broker URL (default: the file's, then CELERY_BROKER_URL)")
    .option('--dry-run', 'decide and record, change nothing')
    .option('--journal <file>', 'append every decision to this file, for celeriac replay')
    .addOption(
      new Option('--http <host:port>', 'serve health, metrics, pools and the journal there, or off')
        .argParser((value: string) => (value === 'off' ? value : listenAddress(value)))
        .default({ host: '127.0.0.1', port: 9810 }, '127.0.0.1:9810'),
    )
    .option(
      '--http-token-file <file>',
      'a file with the token by which others than this machine may pause, resume and set (celeriac scale)',
    )
    .option('--pod-name <name>', 'our own Pod: carries the label celeriac.dev/role=leader while we hold the lease')
    .option('--keda-metrics', "serve metrics under KEDA's own names, too")
    .addOption(
      new Option('--celery-metrics <host:port>', "serve celery_* there from the workers' events, as celery-exporter does").argParser(
        listenAddress,
      ),
    )
    .addOption(
      new Option('--celery-hostname <host|pool>', 'what the label hostname of celery_* says').choices(['host', 'pool']).default('host'),
    )
    .addOption(new Option('-l, --loglevel <level>', 'least level that is logged').choices(logLevels).default('info'))
    .option('--print-schema', 'print the JSON Schema of pools.yaml and end')
    .action(autoscale);
}
