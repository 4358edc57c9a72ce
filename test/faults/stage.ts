import { resolve } from 'node:path';
import { Celery } from '@celeriac/producer';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { startWorkerProcess } from '../worker-process.ts';

export type FaultBroker = 'redis' | 'rabbitmq';
export const FAULT_BROKERS: readonly FaultBroker[] = ['redis', 'rabbitmq'];

const TASKS = resolve(import.meta.dirname, 'tasks.ts');

/** A broker of its own, a ledger, a client, and workers that a row may end as it likes. */
export interface Stage extends AsyncDisposable {
  readonly broker: FaultBroker;
  readonly url: string;
  readonly port: number;
  readonly ledger: Ledger;
  readonly app: Celery;
  /** Stops and starts the broker, keeping what is durable. */
  restartBroker(): Promise<void>;
  startWorker(options?: { readonly url?: string; readonly args?: readonly string[] }): Promise<SpawnedProcess>;
  /** Publishes ledger tasks; resolves with the ids whose publish resolved. */
  publish(count: number, milliseconds: number): Promise<readonly string[]>;
}

let workers = 0;

/** Sets the stage. The broker is the row's own, as rows restart it. */
export async function openStage(broker: FaultBroker): Promise<Stage> {
  const server = broker === 'redis' ? await redisStage() : await rabbitmqStage();
  const ledger = createLedger();
  const app = new Celery({ broker: server.url });
  const started: SpawnedProcess[] = [];
  const note = app.task<(path: string, milliseconds: number) => void>('faults.note');
  return {
    broker,
    url: server.url,
    port: server.port,
    ledger,
    app,
    restartBroker: server.restart,
    async startWorker(options = {}) {
      workers += 1;
      const worker = await startWorkerProcess({
        tasks: TASKS,
        broker: options.url ?? server.url,
        concurrency: 4,
        name: `fault${workers}@%h`,
        args: ['-l', 'warn', ...(options.args ?? [])],
      });
      started.push(worker);
      return worker;
    },
    async publish(count, milliseconds) {
      const ids = Array.from({ length: count }, () => crypto.randomUUID());
      const calls = ids.map((taskId) => note.signature({ args: [ledger.path, milliseconds], taskId, ignoreResult: true }));
      await app.publishMany(calls);
      return ids;
    },
    async [Symbol.asyncDispose]() {
      for (const worker of started) await worker.kill();
      await app.close();
      ledger.remove();
      await server.stop();
    },
  };
}

interface StageServer {
  readonly url: string;
  readonly port: number;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function redisStage(): Promise<StageServer> {
  const redis = await startRedis({ persistent: true });
  return { url: redis.url, port: redis.port, restart: () => redis.restart(), stop: () => redis.stop() };
}

async function rabbitmqStage(): Promise<StageServer> {
  const rabbitmq = await startOwnRabbitmq();
  const vhost = await rabbitmq.createVhost();
  return { url: vhost.url, port: rabbitmq.port, restart: () => rabbitmq.restart(), stop: () => rabbitmq.stop() };
}
