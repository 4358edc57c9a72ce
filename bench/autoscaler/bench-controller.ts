import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../test/brokers/free-port.ts';
import { spawnProcess } from '../../test/spawned-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CLOCK_TICKS_PER_S = 100;
const READY_LIMIT_MS = 180_000;

/** One pool of a bench: a Deployment of its own name in the bench's namespace. */
export interface BenchPool {
  readonly name: string;
  readonly queues: readonly string[];
  readonly slots: number;
  readonly min: number;
  readonly max: number;
}

/** `celeriac autoscale` as built, a process of its own. */
export interface BenchController {
  /** `http://127.0.0.1:PORT`. */
  readonly server: string;
  /** Resident memory now, MiB. */
  rssMib(): number;
  /** CPU time used since the start, ms. */
  cpuMs(): number;
  metrics(): Promise<string>;
  /** What it wrote, for when something is wrong. */
  output(): string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts it and waits until it has decided for every pool with all signals. */
export async function startBenchController(options: {
  readonly broker: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly pools: readonly BenchPool[];
  /** Flags of Node, such as `--trace-gc`. Default none. */
  readonly nodeArgs?: readonly string[];
}): Promise<BenchController> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bench-'));
  const port = await freePort();
  const pools = options.pools.map((pool) => [
    pool.name,
    {
      queues: pool.queues,
      slotsPerReplica: pool.slots,
      scaling: { min: pool.min, max: pool.max, goal: { queueWait: '10s', expectedTaskTime: '20s' } },
      target: { deployment: { name: pool.name } },
    },
  ]);
  const file = { kubernetes: { kubeconfig: options.kubeconfig, namespace: options.namespace }, pools: Object.fromEntries(pools) };
  // JSON is YAML.
  writeFileSync(join(folder, 'pools.yaml'), JSON.stringify(file));
  const child = spawnProcess(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      resolve(ROOT, 'packages/cli/dist/main.js'),
      'autoscale',
      ...['-f', join(folder, 'pools.yaml'), '-b', options.broker, '--http', `127.0.0.1:${port}`, '-l', 'warn'],
    ],
    { cwd: folder, group: true },
  );
  const server = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await readiness(server, () => child.child.exitCode !== null);
  } catch (error) {
    const output = child.output().slice(-4_000);
    await stop();
    throw new Error(`the autoscaler did not become ready: ${output}`, { cause: error });
  }
  return {
    server,
    rssMib: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024,
    cpuMs() {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return ((Number(fields[11]) + Number(fields[12])) * 1_000) / CLOCK_TICKS_PER_S;
    },
    metrics: async () => (await fetch(`${server}/metrics`)).text(),
    output: () => child.output(),
    [Symbol.asyncDispose]: stop,
  };
}

async function readiness(server: string, hasEnded: () => boolean): Promise<void> {
  for (const giveUpAtMs = performance.now() + READY_LIMIT_MS; performance.now() < giveUpAtMs; ) {
    if (hasEnded()) throw new Error('it ended');
    const response = await fetch(`${server}/readyz`).catch(() => undefined);
    if (response?.status === 200 && (await response.text()) === 'ok\n') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no "ok" within ${READY_LIMIT_MS / 1_000} s`);
}
