import { readFile } from 'node:fs/promises';
import type { PoolsConfig } from '@celeriac/autoscaler';
import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import { type Command, Option } from 'commander';
import { commandLogger } from '../command-logger.ts';
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
  readonly loglevel: (typeof logLevels)[number];
  readonly printSchema?: boolean;
}

async function autoscale(options: AutoscaleOptions): Promise<void> {
  const { createAutoscaler, poolsJsonSchema, readPools, serveAutoscaler } = await import('@celeriac/autoscaler');
  if (options.printSchema === true) {
    process.stdout.write(`${JSON.stringify(await poolsJsonSchema(), null, 2)}\n`);
    return;
  }
  if (options.file === undefined) throw new CeleriacError('CELERIAC_E_CONFIG', 'no pools: give -f pools.yaml');
  const config = await readPools(await readText(options.file), options.file);
  const url = await brokerUrl(options, config);
  const logger = await commandLogger('autoscale', options.loglevel);
  const { createTransport } = await import('@celeriac/brokers');
  const transport = await createTransport({ url, logger, transportOptions: config.broker?.transportOptions ?? {} });
  try {
    const autoscaler = createAutoscaler({
      config: options.dryRun === true ? inDryRun(config) : config,
      transport,
      logger,
      journalFile: options.journal,
      // Local workers find the broker where Celery looks for it, unless their command names one.
      env: { ...process.env, CELERY_BROKER_URL: url },
      programs: { celeriac: [process.execPath, ...process.execArgv, process.argv[1] ?? ''] },
    });
    const identity = { version, broker: transport.traits.name };
    const tokenFile = options.httpTokenFile;
    const http = options.http === 'off' ? undefined : await serveAutoscaler({ autoscaler, ...options.http, identity, tokenFile, logger });
    try {
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
    }
  } finally {
    await transport.close();
  }
}

function report(left: readonly string[], logger: Logger): void {
  if (left.length === 0) return;
  logger.error({ replicas: left }, 'these replicas were told to drain and still run');
  process.exitCode = EXIT.failure;
}

function inDryRun(config: PoolsConfig): PoolsConfig {
  const pools = config.pools.map((pool) => {
    return pool.spec.mode === 'off' ? pool : { ...pool, spec: { ...pool.spec, mode: 'dry-run' as const } };
  });
  return { ...config, pools };
}

async function brokerUrl(options: AutoscaleOptions, config: PoolsConfig): Promise<string> {
  const source = config.broker?.source;
  const url =
    options.broker ??
    (source === undefined ? process.env.CELERY_BROKER_URL : 'url' in source ? source.url : (await readText(source.urlFile)).trim());
  if (url !== undefined && url !== '') return url;
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
    .addOption(new Option('-l, --loglevel <level>', 'least level that is logged').choices(logLevels).default('info'))
    .option('--print-schema', 'print the JSON Schema of pools.yaml and end')
    .action(autoscale);
}
