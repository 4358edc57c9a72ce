// An autoscaler in the test's own process over a real broker and real local processes.

import { resolve } from 'node:path';
import { type Autoscaler, type AutoscalerOptions, createAutoscaler, type PoolTick, readPools } from '@celeriac/autoscaler';
import { createTransport, type Logger, type Transport } from '@celeriac/brokers';
import { Celery } from '@celeriac/producer';

const ROOT = resolve(import.meta.dirname, '../..');

/** `celeriac` from source. */
export const celeriacProgram: readonly string[] = [
  process.execPath,
  '--conditions=@celeriac/source',
  resolve(ROOT, 'packages/cli/src/main.ts'),
];

/** The command of a worker of ours with the tasks of autoscaler-tasks.ts, as a YAML flow sequence. */
export const ourWorker: string = JSON.stringify([
  'celeriac',
  'worker',
  '-A',
  resolve(import.meta.dirname, 'autoscaler-tasks.ts'),
  '-Q',
  '{queues}',
  '-n',
  '{name}',
  '-c',
  '{slots}',
  '-l',
  'warn',
]);

export interface AutoscalerRig {
  readonly autoscaler: Autoscaler;
  readonly transport: Transport;
  readonly celery: Celery;
  readonly ticks: readonly PoolTick[];
  /** What the replicas wrote. */
  readonly lines: readonly string[];
  readonly log: readonly string[];
  /** Resolves with the first turn from now on that passes. */
  nextTick(test: (tick: PoolTick) => boolean, timeoutMs?: number): Promise<PoolTick>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an autoscaler on the pools of a YAML text. */
export async function startAutoscaler(broker: string, pools: string, options: Partial<AutoscalerOptions> = {}): Promise<AutoscalerRig> {
  const config = await readPools(pools);
  const transport = await createTransport({ url: broker });
  const celery = new Celery({ broker });
  const ticks: PoolTick[] = [];
  const lines: string[] = [];
  const log: string[] = [];
  const note = (level: string) => (fields: Readonly<Record<string, unknown>>, text: string) => {
    const error = fields['err'] instanceof Error ? ` ${fields['err'].message}` : '';
    log.push(`${level} ${text}${error} ${JSON.stringify({ ...fields, err: undefined })}`);
  };
  const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const autoscaler = createAutoscaler({
    config,
    transport,
    logger,
    programs: { celeriac: celeriacProgram },
    env: { ...process.env, CELERY_BROKER_URL: broker },
    output: (id, line) => lines.push(`${id}: ${line}`),
    ...options,
  });
  const waiting = new Set<(tick: PoolTick) => void>();
  autoscaler.onTick((tick) => {
    ticks.push(tick);
    for (const listener of waiting) listener(tick);
  });
  await autoscaler.start();

  return {
    autoscaler,
    transport,
    celery,
    ticks,
    lines,
    log,
    nextTick(test, timeoutMs = 60_000) {
      return new Promise((resolveTick, reject) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = (tick: PoolTick): void => {
          if (!test(tick)) return;
          done();
          resolveTick(tick);
        };
        const timer = setTimeout(() => {
          done();
          const last = ticks.at(-1)?.decision;
          reject(
            new Error(
              `${timeoutMs} ms passed; last: ${JSON.stringify({ ...last, nextState: undefined })}\n${log.slice(-30).join('\n')}\n${lines.slice(-30).join('\n')}`,
            ),
          );
        }, timeoutMs);
        waiting.add(look);
      });
    },
    async [Symbol.asyncDispose]() {
      await autoscaler.stop();
      await celery.close();
      await transport.close();
    },
  };
}

/** Nothing is there and nothing is wanted. */
export function atZero(tick: PoolTick): boolean {
  const { ready, starting, leaving, stuck } = tick.decision.evidence.replicas;
  return tick.decision.to === 0 && ready + starting + leaving + stuck === 0;
}
