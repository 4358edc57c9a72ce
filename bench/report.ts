import { availableParallelism, cpus, totalmem } from 'node:os';
import type { ImportCost } from './import-cost.ts';
import { readable } from './statistics.ts';

/** All medians of one run; rates in tasks or messages per second, times in milliseconds. */
export interface Figures {
  readonly date: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly workers: readonly {
    contender: string;
    guarantees: string;
    broker: string;
    tasksPerS: number;
    bootMs: number;
    pssMib: number;
    ratio: number;
  }[];
  readonly publish: readonly { contender: string; broker: string; way: string; messagesPerS: number; ratioToCelery: number }[];
  readonly latency: readonly { contender: string; broker: string; p50Ms: number; p99Ms: number }[];
  readonly imports: readonly ImportCost[];
  readonly ratios: {
    readonly redis: Readonly<Record<string, number>>;
    readonly rabbitmq: Readonly<Record<string, number>>;
    readonly publish: { readonly redis: Readonly<Record<string, number>>; readonly rabbitmq: Readonly<Record<string, number>> };
  };
}

/** One line about the machine. */
export function machineLine(): string {
  const [cpu] = cpus();
  return `${availableParallelism()} x ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** RESULTS.md. */
export function toMarkdown(figures: Figures): string {
  const workers = figures.workers.map((row) => [
    row.broker,
    row.contender,
    readable(row.tasksPerS),
    `${readable(row.ratio)}x`,
    readable(row.bootMs),
    readable(row.pssMib),
    row.guarantees,
  ]);
  const publish = figures.publish.map((row) => [
    row.broker,
    row.contender,
    row.way,
    readable(row.messagesPerS),
    Number.isFinite(row.ratioToCelery) ? `${readable(row.ratioToCelery)}x` : '-',
  ]);
  const latency = figures.latency.map((row) => [row.broker, row.contender, readable(row.p50Ms), readable(row.p99Ms)]);
  const imports = figures.imports.map((row) => [row.name, readable(row.overBareMs), readable(row.rssMib)]);
  return `# Benchmark results

Written by \`npm run bench${figures.quick ? ' -- --quick' : ''}\` on ${figures.date}. Machine: ${figures.machine}.
Versions: ${Object.entries(figures.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.

Everything ran interleaved in one go, ${figures.rounds} rounds, medians. Broker, results, producer and worker share the machine, so compare
the ratios and not the absolute figures.

## Workers: no-op \`add(x, y)\`, concurrency 2, result stored in Redis

The ratio is ours divided by theirs.

${table(['broker', 'worker', 'tasks/s', 'celeriac is', 'boot ms', 'PSS MiB', 'what it guarantees'], workers)}

## Publishing

Both sides wait for the broker: confirms on RabbitMQ, the reply on Redis. Celery has no batch call; it publishes one by one with one producer.

${table(['broker', 'producer', 'way', 'messages/s', 'over Celery'], publish)}

## Idle latency, from the call to the start of the task

${table(['broker', 'worker', 'p50 ms', 'p99 ms'], latency)}

## Importing

Milliseconds of a whole process over bare Node, and its resident memory.

${table(['entry', 'ms over bare', 'RSS MiB'], imports)}
`;
}
