import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  createResultBackend,
  createTransport,
  type Logger,
  type QueueDeclaration,
  type ResultBackend,
  silentLogger,
  type Transport,
} from '@celeriac/brokers';
import { CeleriacError, type Contract, contract, encodeTask, isCeleriacError, type Route, routeTask } from '@celeriac/protocol';
import { type ApplyOptions, toTaskCall } from './apply-options.ts';
import { AsyncResult } from './async-result.ts';
import { type DestinationConfig, declarationOf } from './destination.ts';
import { type PublishManyOptions, type PublishManyReport, publishMany } from './publish-many.ts';
import { type PublishRetryPolicy, retryRefusedPublish } from './publish-retry.ts';
import type { Signature } from './signature.ts';
import { createTaskHandle, type TaskHandle } from './task-handle.ts';
import { validateCall } from './validate-call.ts';

export interface CeleryOptions extends DestinationConfig {
  /** Celery's broker_url: redis://, rediss://, sentinel://, amqp://, amqps:// or memory://. */
  readonly broker: string;
  /** Celery's result_backend. Absent: results cannot be asked for. */
  readonly backend?: string;
  /** Celery's broker_transport_options in camelCase. */
  readonly brokerTransportOptions?: Readonly<Record<string, unknown>>;
  readonly resultBackendTransportOptions?: Readonly<Record<string, unknown>>;
  /** How a publish that the broker did not take is tried again. Default: 3 retries after 0, 200 and 400 ms, as Celery. */
  readonly publishRetry?: PublishRetryPolicy;
  /** How long one try of a publish may take; no other try begins after it. Default 15,000. */
  readonly publishTimeoutMs?: number;
  readonly logger?: Logger;
}

type ContractsOf<Map extends Readonly<Record<string, Contract>>> = {
  readonly [Name in keyof Map]: TaskHandle<Map[Name]>;
};

/**
 * A Celery application as a producer sees it. Several may live in one process; nothing is global.
 * Connects at the first call, not before; `close()` when done (or `await using`).
 */
export class Celery {
  readonly #options: CeleryOptions;
  readonly #declarations = new Map<string, { queue?: QueueDeclaration }>();
  readonly #publishTimeoutMs: number;
  readonly #origin = `gen${process.pid}@${hostname()}`;
  readonly #openBackend = (): Promise<ResultBackend> => this.#backend();
  #transport: Transport | undefined;
  #connecting: Promise<Transport> | undefined;
  #backendOpening: Promise<ResultBackend> | undefined;
  #closed = false;

  constructor(options: CeleryOptions) {
    this.#options = options;
    this.#publishTimeoutMs = options.publishTimeoutMs ?? 15_000;
  }

  /** The task of a contract, ready to be called; or of a bare name with the type of its function: `app.task<(x: number) => number>('tasks.f')`. */
  task<Named extends Contract>(named: Named): TaskHandle<Named>;
  task<F extends (...args: never[]) => unknown>(
    name: string,
  ): TaskHandle<Contract<Parameters<F>, Record<string, unknown>, Awaited<ReturnType<F>>>>;
  task(named: Contract | string): TaskHandle<Contract> {
    return createTaskHandle(typeof named === 'string' ? contract(named) : named, this);
  }

  /** Several at once: `app.tasks({ add, total })`. */
  tasks<Map extends Readonly<Record<string, Contract>>>(contracts: Map): ContractsOf<Map> {
    const handles = Object.entries(contracts).map(([name, named]) => [name, this.task(named)]);
    return Object.fromEntries(handles) as ContractsOf<Map>;
  }

  /**
   * Publishes one signature. Resolves when the broker has the message.
   * @throws CeleriacError CELERIAC_E_PUBLISH (not taken), CELERIAC_E_PUBLISH_UNCERTAIN (may have been taken; `data.taskId` may safely
   * be sent again), CELERIAC_E_UNROUTABLE, CELERIAC_E_ARGUMENTS, CELERIAC_E_VALUE, CELERIAC_E_CLOSED
   */
  async apply<Result>(signature: Signature<never[], Result> | Signature<[], Result>): Promise<AsyncResult<Result>> {
    const id = await this.#publish(signature);
    return new AsyncResult<Result>(id, this.#openBackend);
  }

  /** Publishes a task by its name alone, untyped. */
  sendTask(
    name: string,
    call: ApplyOptions & { readonly args?: readonly unknown[]; readonly kwargs?: Readonly<Record<string, unknown>> } = {},
  ): Promise<AsyncResult> {
    const { args = [], kwargs = {}, ...options } = call;
    return this.apply({ contract: contract(name), args, kwargs, options });
  }

  /** Publishes everything a source yields, with back-pressure. See {@link PublishManyOptions}. */
  publishMany(
    source: AsyncIterable<Signature<never[], unknown> | Signature> | Iterable<Signature<never[], unknown> | Signature>,
    options?: PublishManyOptions,
  ): Promise<PublishManyReport> {
    return publishMany(source as AsyncIterable<Signature<never[], unknown>>, (signature) => this.#publish(signature), options);
  }

  /** The result of a task sent earlier, by whomever. */
  result<Result = unknown>(taskId: string): AsyncResult<Result> {
    return new AsyncResult<Result>(taskId, this.#openBackend);
  }

  /** Waits for what is being published and disconnects. Later calls reject with CELERIAC_E_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const [transport, backend] = await Promise.allSettled([this.#connecting, this.#backendOpening]);
    await Promise.all([transport, backend].map(async (opened) => (opened.status === 'fulfilled' ? opened.value?.close() : undefined)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #publish(signature: Signature<never[], unknown>): Promise<string> {
    const { contract: named, options } = signature;
    const values = validateCall(named, signature.args, signature.kwargs);
    const { args, kwargs } = values instanceof Promise ? await values : values;
    const transport = this.#transport ?? (await this.#connect());
    const call = toTaskCall({ name: named.name, args, kwargs }, options, {
      nowMs: Date.now(),
      newId: randomUUID(),
      origin: this.#origin,
    });
    const route = routeTask(named.name, { ...(named.queue !== undefined && { queue: named.queue }), ...options }, this.#options);
    const priority = call.priority ?? transport.traits.defaultPriority;
    const message = encodeTask(priority === null ? call : { ...call, priority });
    const publication = {
      message,
      exchange: route.exchange,
      routingKey: route.routingKey,
      ...this.#declaration(route),
    };
    try {
      await retryRefusedPublish(() => transport.publish(publication), this.#publishTimeoutMs, this.#options.publishRetry);
    } catch (error) {
      throw withTaskId(error, call.taskId);
    }
    return call.taskId;
  }

  #declaration(route: Route): { queue?: QueueDeclaration } {
    const key = `${route.exchange}\n${route.queue}`;
    let declaration = this.#declarations.get(key);
    if (declaration === undefined) {
      const queue = declarationOf(route, this.#options);
      declaration = queue === undefined ? {} : { queue };
      this.#declarations.set(key, declaration);
    }
    return declaration;
  }

  async #connect(): Promise<Transport> {
    if (this.#closed) throw new CeleriacError('CELERIAC_E_CLOSED', 'this Celery client has been closed');
    const { broker, brokerTransportOptions, logger = silentLogger } = this.#options;
    this.#connecting ??= createTransport({
      url: broker,
      logger,
      ...(brokerTransportOptions !== undefined && { transportOptions: brokerTransportOptions }),
      publishTimeoutMs: this.#publishTimeoutMs,
    });
    this.#transport = await this.#connecting;
    return this.#transport;
  }

  async #backend(): Promise<ResultBackend> {
    const { backend, resultBackendTransportOptions, logger = silentLogger } = this.#options;
    if (this.#closed) throw new CeleriacError('CELERIAC_E_CLOSED', 'this Celery client has been closed');
    if (backend === undefined) {
      throw new CeleriacError('CELERIAC_E_NO_BACKEND', 'a result was asked for, but this client has none: new Celery({ broker, backend })');
    }
    this.#backendOpening ??= createResultBackend({
      url: backend,
      logger,
      ...(resultBackendTransportOptions !== undefined && { transportOptions: resultBackendTransportOptions }),
    });
    return await this.#backendOpening;
  }
}

function withTaskId(error: unknown, taskId: string): unknown {
  if (!isCeleriacError(error)) return error;
  const text = error.message.slice(error.code.length + 2);
  return new CeleriacError(error.code, `task ${taskId}: ${text}`, { cause: error.cause ?? error, data: { ...error.data, taskId } });
}
