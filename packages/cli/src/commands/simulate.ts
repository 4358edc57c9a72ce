import { readFile } from 'node:fs/promises';
import type { CompareOptions, PolicyName, SimulationResult, TraceKind } from '@celeriac/autoscaler';
import { CeleriacError } from '@celeriac/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { countUpTo } from '../option-values.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

const POLICIES: readonly PolicyName[] = ['ours', 'keda', 'airflow', 'fixed'];
const KINDS: readonly TraceKind[] = ['poisson', 'bursty', 'diurnal', 'heavy-tailed'];
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_TASKS = 5_000_000;

interface SimulateOptions extends OutputOption {
  readonly trace?: string;
  readonly policy: readonly PolicyName[];
  readonly slots: number;
  readonly coldStart: number;
  readonly grace: number;
  readonly goal: number;
  readonly min: number;
  readonly max: number;
  readonly idleToZero: number;
  readonly downDelay: number;
  readonly keepWarm: number;
  readonly headroom: number;
  readonly expectedService?: number;
  readonly kedaTrigger: 'llen' | 'in-flight';
  readonly kedaPoll: number;
  readonly kedaCooldown: number;
  readonly kedaTarget: number;
  readonly kedaStabilisation: number;
  readonly fixed?: number;
  readonly prefetch: number;
  readonly ack: 'early' | 'late';
  readonly redelivery: number;
  readonly seed: number;
  readonly generate?: TraceKind;
  readonly duration: number;
  readonly rate: number;
  readonly meanService: number;
}

async function run(options: SimulateOptions): Promise<void> {
  if (options.generate !== undefined) return generate(options.generate, options);
  if (options.trace === undefined) {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'give a trace to replay by --trace FILE, or have one made by --generate KIND');
  }
  if (options.min > options.max) throw new CeleriacError('CELERIAC_E_CONFIG', `--min ${options.min} is above --max ${options.max}`);
  const { comparePolicies, parseTrace } = await import('@celeriac/autoscaler');
  const arrivals = parseTrace(await textOf(options.trace), options.trace === '-' ? 'standard input' : options.trace);
  const meanServiceMs = arrivals.reduce((sum, { serviceMs }) => sum + serviceMs, 0) / arrivals.length;
  const progress = progressLine();
  const results = comparePolicies(
    {
      arrivals,
      slots: options.slots,
      coldStartMs: options.coldStart,
      graceMs: options.grace,
      goalMs: options.goal,
      prefetch: options.prefetch,
      ack: options.ack,
      redeliveryMs: options.redelivery,
      min: options.min,
      max: options.max,
      ours: {
        idleToZeroMs: options.idleToZero,
        downDelayMs: options.downDelay,
        keepWarm: options.keepWarm,
        headroom: options.headroom,
        expectedServiceMs: Math.max(1, options.expectedService ?? meanServiceMs),
        expectedColdStartMs: options.coldStart,
      },
      keda: {
        trigger: options.kedaTrigger,
        pollMs: options.kedaPoll,
        cooldownMs: options.kedaCooldown,
        target: options.kedaTarget,
        stabilisationMs: options.kedaStabilisation,
      },
      fixed: options.fixed ?? options.max,
      seed: options.seed,
      ...(progress !== null && { onProgress: progress.show }),
    } satisfies CompareOptions,
    options.policy,
  ).map(rounded);
  progress?.clear();
  print(options.output, results, table(results, options.goal));
}

async function generate(kind: TraceKind, options: SimulateOptions): Promise<void> {
  const { duration, rate, seed, meanService } = options;
  if ((duration / 1_000) * rate > MOST_TASKS) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `--rate and --duration make more than ${MOST_TASKS} tasks`);
  }
  const { formatTrace, generateTrace } = await import('@celeriac/autoscaler');
  process.stdout.write(formatTrace(generateTrace({ kind, seed, durationMs: duration, ratePerS: rate, meanServiceMs: meanService })));
}

async function textOf(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8');
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** On a terminal only: a long trace takes seconds. */
function progressLine(): { show(policy: PolicyName, share: number): void; clear(): void } | null {
  if (process.stderr.isTTY !== true) return null;
  let shown = '';
  return {
    show(policy, share) {
      const line = `simulating ${policy}: ${Math.floor(share * 100)} %`;
      if (line === shown) return;
      shown = line;
      process.stderr.write(`\r\u001b[K${line}`);
    },
    clear: () => void process.stderr.write('\r\u001b[K'),
  };
}

function rounded(result: SimulationResult): SimulationResult {
  const to = (value: number, digits: number): number => Number(value.toFixed(digits));
  return {
    ...result,
    waitP50S: to(result.waitP50S, 3),
    waitP95S: to(result.waitP95S, 3),
    waitP99S: to(result.waitP99S, 3),
    waitMaxS: to(result.waitMaxS, 3),
    withinGoalRatio: to(result.withinGoalRatio, 6),
    podHours: to(result.podHours, 4),
  };
}

function table(results: readonly SimulationResult[], goalMs: number): string {
  const head = ['POLICY', 'P50', 'P95', 'P99', 'MAX', `<=${goalMs / 1_000}S`, 'POD-HOURS', 'STARTS', 'REVERSALS', 'KILLS', 'LOST'];
  const wait = (seconds: number): string => seconds.toFixed(1);
  const rows = results.map((row) => [
    row.policy,
    ...[row.waitP50S, row.waitP95S, row.waitP99S, row.waitMaxS].map(wait),
    `${(row.withinGoalRatio * 100).toFixed(2)}%`,
    row.podHours.toFixed(2),
    ...[row.starts, row.reversals, row.kills, row.lost].map(String),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return ['wait in seconds from arrival to begin', ...all.map((row) => row.map(cell).join('  '))].join('\n');
}

/** `celeriac simulate` */
export function configure(command: Command): void {
  const duration = (flags: string, about: string, byDefault: string): Option =>
    new Option(flags, `${about} (seconds, or with a unit: 250ms, 5m, 6h)`).argParser(durationMs).default(durationMs(byDefault), byDefault);
  addOutputOption(command)
    .option('--trace <file>', 'CSV with the columns arrival_s, service_s and perhaps queue; - for standard input')
    .addOption(new Option('--policy <names>', 'which to compare').argParser(policies).default(POLICIES, POLICIES.join(',')))
    .addOption(new Option('--slots <n>', 'concurrency of a worker').argParser(countUpTo(10_000)).default(2))
    .addOption(duration('--cold-start <time>', 'from asking for a pod to its worker taking tasks', '30s'))
    .addOption(duration('--grace <time>', 'from SIGTERM to SIGKILL', '30s'))
    .addOption(duration('--goal <time>', 'how long a task may wait', '60s'))
    .addOption(new Option('--min <n>', 'pods at least; not for fixed').argParser(countFrom0).default(0))
    .addOption(new Option('--max <n>', 'pods at most').argParser(countUpTo(10_000)).default(20))
    .addOption(duration('--idle-to-zero <time>', 'ours: without work for this long before the last pods go', '30s'))
    .addOption(duration('--down-delay <time>', 'ours: a shrink goes no lower than what was wanted within this time', '30s'))
    .addOption(
      new Option('--keep-warm <x>', 'ours: cold starts of time an idle pod may be kept to save one, where it pays')
        .argParser(atLeast0)
        .default(4.5),
    )
    .addOption(new Option('--headroom <x>', 'ours: spare slots as a multiple of the root of the busy ones').argParser(atLeast0).default(0))
    .addOption(
      new Option('--expected-service <time>', "ours: a task's time until it is learnt; default: the mean of the trace").argParser(
        durationMs,
      ),
    )
    .addOption(new Option('--keda-trigger <what>', 'keda: what it reads').choices(['llen', 'in-flight']).default('llen'))
    .addOption(duration('--keda-poll <time>', 'keda: pollingInterval', '30s'))
    .addOption(duration('--keda-cooldown <time>', 'keda: cooldownPeriod', '300s'))
    .addOption(new Option('--keda-target <n>', 'keda: target for one pod').argParser(above0).default(5))
    .addOption(duration('--keda-stabilisation <time>', "keda: the HPA's scale-down stabilisation window", '300s'))
    .addOption(new Option('--fixed <n>', 'fixed: how many pods; default: --max').argParser(countUpTo(10_000)))
    .addOption(new Option('--prefetch <n>', 'messages held for each slot').argParser(countUpTo(10_000)).default(1))
    .addOption(new Option('--ack <when>', 'acknowledge as a task begins or as it ends').choices(['early', 'late']).default('late'))
    .addOption(
      duration('--redelivery <time>', "until a killed worker's messages are back: 0 as RabbitMQ, Redis's visibility timeout", '0s'),
    )
    .addOption(new Option('--seed <n>', 'of the generator, and of the phases of polls').argParser(countFrom0).default(1))
    .addOption(new Option('--generate <kind>', 'write a trace to standard output instead').choices([...KINDS]))
    .addOption(duration('--duration <time>', 'generate: how long', '6h'))
    .addOption(new Option('--rate <n>', 'generate: tasks a second on average').argParser(above0).default(0.1))
    .addOption(duration('--mean-service <time>', 'generate: mean time of a task', '30s'))
    .action(run);
}

function durationMs(value: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/.exec(value.trim());
  const ms = Math.round(Number(match?.[1]) * (UNITS_MS[match?.[2] ?? 's'] ?? Number.NaN));
  if (!Number.isSafeInteger(ms)) throw new InvalidArgumentError('a number of seconds is needed, or a number with a unit: 250ms, 5m, 6h');
  return ms;
}

function policies(value: string): readonly PolicyName[] {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(POLICIES as readonly string[]).includes(name));
  if (unknown.length > 0 || new Set(names).size !== names.length) {
    throw new InvalidArgumentError(`each of ${POLICIES.join(', ')} at most once, with commas between them`);
  }
  return names as readonly PolicyName[];
}

function countFrom0(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 4_294_967_295) throw new InvalidArgumentError('a whole number from 0 is needed');
  return number;
}

function atLeast0(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number < 0) throw new InvalidArgumentError('a number from 0 is needed');
  return number;
}

function above0(value: string): number {
  const number = atLeast0(value);
  if (number === 0) throw new InvalidArgumentError('a number above 0 is needed');
  return number;
}
