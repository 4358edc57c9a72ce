import { createResultBackend, createTransport, type ResultBackend, type Transport } from '@celeriac/brokers';
import { encodeTask, type ResultMeta, type TaskCall } from '@celeriac/protocol';
import { type ProxyServer, startProxy } from '../brokers/proxy.ts';
import { type BrokerKind, type BrokerRig, openBroker } from '../interop/broker-rig.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { startWorkerProcess } from '../worker-process.ts';

export const BASICS = 'examples/basics/tasks.ts';
const HELD = 'test/integration/fixtures/held-tasks.ts';

/** A broker, and a client to look at it and to send tasks. */
export interface WorkerRig {
  readonly broker: BrokerRig;
  readonly transport: Transport;
  readonly backend: ResultBackend;
  /** Between the worker and the broker. */
  readonly proxy: ProxyServer;
  /** `celeriac worker` through the proxy, ready. Stopped with the rig. */
  startWorker(args?: readonly string[]): Promise<SpawnedProcess>;
  /** Publishes to `queue` (default `celery`); resolves with the id. */
  send(name: string, args: readonly unknown[], call?: Partial<TaskCall> & { readonly queue?: string }): Promise<string>;
  result(taskId: string, timeoutMs?: number): Promise<ResultMeta>;
  stop(): Promise<void>;
}

let ids = 0;

export async function openWorkerRig(kind: BrokerKind): Promise<WorkerRig> {
  const broker = await openBroker(kind);
  const proxy = await startProxy(Number(new URL(broker.broker).port));
  const transport = await createTransport({ url: broker.broker });
  const backend = await createResultBackend({ url: broker.backend });
  const workers: SpawnedProcess[] = [];
  return {
    ...{ broker, transport, backend, proxy },
    async startWorker(args = []) {
      const worker = await startWorkerProcess({
        tasks: `${BASICS},${HELD}`,
        broker: proxy.url(broker.broker),
        backend: broker.backend,
        args,
      });
      workers.push(worker);
      return worker;
    },
    async send(name, args, { queue = 'celery', ...call } = {}) {
      const taskId = call.taskId ?? `${kind}-${process.pid}-${++ids}`;
      await transport.publish({
        message: encodeTask({ name, args, ...call, taskId }),
        exchange: '',
        routingKey: queue,
        queue: { name: queue },
      });
      return taskId;
    },
    result: (taskId, timeoutMs = 45_000) => backend.watch(taskId, AbortSignal.timeout(timeoutMs)),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop(5_000)));
      await Promise.all([transport.close(), backend.close()]);
      await proxy.stop();
      await broker.stop();
    },
  };
}
