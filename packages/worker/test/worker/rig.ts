import { fileURLToPath } from 'node:url';
import { createControlClient, type Delivery, type Logger, type ResultBackend, type Transport } from '@celeriac/brokers';
import { encodeTask, type Message, type ResultMeta, type TaskCall } from '@celeriac/protocol';
import { createMemoryBackend } from '../../../brokers/src/backends/memory.ts';
import { createMemoryTransport, type MemoryTransport } from '../../../brokers/src/transports/memory/memory-transport.ts';
import { composeWorker } from '../../src/worker.ts';
import type { Worker, WorkerOptions } from '../../src/worker-options.ts';

export const BASICS: string = fileURLToPath(new URL('../../../../examples/basics/tasks.ts', import.meta.url));
/** The task `gated`, which runs until a file is there. */
export const GATED: string = fileURLToPath(new URL('../fixtures/gated.ts', import.meta.url));

/** A worker with real children on a memory broker of its own, and what a test needs around it. */
export interface WorkerRig extends AsyncDisposable {
  readonly url: string;
  readonly worker: Worker;
  readonly backend: ResultBackend;
  /** A client beside the worker. */
  readonly transport: MemoryTransport;
  /** The worker's own: its connections can be broken. */
  readonly workerTransport: MemoryTransport;
  readonly logs: { readonly level: string; readonly text: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** Events of the exchange `celeryev` since the start, in order of arrival. */
  readonly events: Record<string, unknown>[];
  /** Publishes a task; resolves with its id. */
  send(name: string, args?: readonly unknown[], call?: Partial<TaskCall>): Promise<string>;
  publish(message: Message, queue?: string): Promise<void>;
  result(taskId: string, timeoutMs?: number): Promise<ResultMeta>;
  /** Asks the worker by remote control. */
  control(method: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

let rigs = 0;

export interface WorkerRigOptions extends Partial<WorkerOptions> {
  readonly autostart?: boolean;
  /** What the worker is given in place of its own transport. */
  readonly around?: (own: MemoryTransport) => Transport;
}

/** Starts it. `queues` are declared even where the worker does not consume them. */
export async function workerRig({ autostart = true, around = (own) => own, ...options }: WorkerRigOptions = {}): Promise<WorkerRig> {
  const url = `memory://worker-${process.pid}-${++rigs}`;
  const transport = createMemoryTransport({ url });
  const workerTransport = createMemoryTransport({ url });
  const backend = createMemoryBackend({ url });
  const logs: WorkerRig['logs'] = [];
  const logger: Logger = {
    debug: (fields, text) => void logs.push({ level: 'debug', fields, text }),
    info: (fields, text) => void logs.push({ level: 'info', fields, text }),
    warn: (fields, text) => void logs.push({ level: 'warn', fields, text }),
    error: (fields, text) => void logs.push({ level: 'error', fields, text }),
  };
  const events: Record<string, unknown>[] = [];
  const { decodeEvents } = await import('@celeriac/protocol');
  await transport.bus.subscribe({ exchange: 'celeryev', type: 'topic', binding: '#', queue: 'test' }, ({ message }) => {
    events.push(...(decodeEvents(message) as unknown as Record<string, unknown>[]));
  });
  await transport.queues.declare({ name: 'celery' });
  const worker = composeWorker({
    broker: around(workerTransport),
    backend: createMemoryBackend({ url }),
    modules: [BASICS],
    concurrency: 2,
    nodename: 'w1@test',
    childEnv: { PATH: process.env.PATH },
    logger,
    ...options,
  });
  if (autostart) await worker.start();
  const client = createControlClient({ bus: transport.bus });
  let ids = 0;
  return {
    ...{ url, worker, backend, transport, workerTransport, logs, events },
    publish: (message, queue = 'celery') => transport.publish({ message, exchange: '', routingKey: queue }),
    async send(name, args = [], call = {}) {
      const taskId = call.taskId ?? `task-${++ids}`;
      await transport.publish({ message: encodeTask({ name, args, ...call, taskId }), exchange: '', routingKey: 'celery' });
      return taskId;
    },
    result: (taskId, timeoutMs = 60_000) => backend.watch(taskId, AbortSignal.timeout(timeoutMs)),
    control: async (method, args = {}) =>
      (await client.request(method, args, { destination: ['w1@test'], timeoutMs: 30_000 })).get('w1@test'),
    async [Symbol.asyncDispose]() {
      worker.hurry();
      const end = worker.drain();
      worker.hurry();
      await end;
      await transport.close();
    },
  };
}

export { until } from '../../../../test/until.ts';
export type { Delivery };
