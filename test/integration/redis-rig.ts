import { resolve } from 'node:path';
import { createRedisTransport, type RedisTransport } from '../../packages/brokers/src/transports/redis/redis-transport.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';

const FIXTURE = resolve(import.meta.dirname, 'fixtures/claims-process.ts');

export interface ClaimsProcessOptions {
  readonly url: string;
  readonly queue: string;
  readonly credit?: number;
  readonly startsAtOnce?: number;
  readonly ackAfterMs?: number | null;
  readonly ackAtMost?: number | null;
  readonly clockOffsetMs?: number;
  readonly transportOptions?: Readonly<Record<string, unknown>>;
}

/** A process that only claims and acknowledges. */
export function startClaims(options: ClaimsProcessOptions): SpawnedProcess {
  const orders = { credit: 10, startsAtOnce: 0, ackAfterMs: null, ackAtMost: null, clockOffsetMs: 0, ...options };
  return spawnProcess(process.execPath, ['--conditions=@celeriac/source', FIXTURE, JSON.stringify(orders)]);
}

/** Ids of the lines that begin with a word. */
export function idsAfter(word: string, process: SpawnedProcess): string[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => line.split(' ')[1] as string);
}

/** Transports that end with the test. */
export function transportShelf(): { create(...args: Parameters<typeof createRedisTransport>): RedisTransport; close(): Promise<void> } {
  const made: RedisTransport[] = [];
  return {
    create(options) {
      const transport = createRedisTransport(options);
      made.push(transport);
      return transport;
    },
    async close() {
      await Promise.all(made.splice(0).map((transport) => transport.close()));
    },
  };
}
