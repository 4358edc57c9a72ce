import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { median } from './statistics.ts';

const ROOT = resolve(import.meta.dirname, '..');

export interface ImportCost {
  readonly name: string;
  /** Median milliseconds of a whole process, over that of bare Node. */
  readonly overBareMs: number;
  /** Median resident memory of that process in MiB. */
  readonly rssMib: number;
}

const PROGRAMS: Readonly<Record<string, string>> = {
  'bare Node': '',
  '@celeriac/protocol': "await import('@celeriac/protocol');",
  '@celeriac/producer': "await import('@celeriac/producer');",
  '@celeriac/worker': "await import('@celeriac/worker');",
  '@celeriac/autoscaler': "await import('@celeriac/autoscaler');",
  ioredis: "await import('ioredis');",
  amqplib: "await import('amqplib');",
  bullmq: "await import('bullmq');",
  'celery-node': "await import('celery-node');",
};

/** What importing each entry point costs beside bare Node, interleaved. */
export function measureImports(rounds: number): readonly ImportCost[] {
  const times = new Map<string, number[]>();
  const memory = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const startedAt = performance.now();
      const script = `${program} process.stdout.write(String(process.memoryUsage.rss()));`;
      const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`importing ${name} failed: ${ran.stderr}`);
      times.set(name, [...(times.get(name) ?? []), performance.now() - startedAt]);
      memory.set(name, [...(memory.get(name) ?? []), Number(ran.stdout) / 2 ** 20]);
    }
  }
  const bareMs = median(times.get('bare Node') ?? []);
  return Object.keys(PROGRAMS).map((name) => ({
    name,
    overBareMs: name === 'bare Node' ? 0 : median(times.get(name) ?? []) - bareMs,
    rssMib: median(memory.get(name) ?? []),
  }));
}
