import { CeleriacError, type Contract, contract } from '@celeriac/protocol/contract';
import type { ApplyOptions } from './apply-options.ts';
import { AsyncResult } from './async-result.ts';
import type { CeleryOptions } from './celery-options.ts';
import { type PublishManyOptions, type PublishManyReport, publishMany } from './publish-many.ts';
import type { Publisher } from './publisher.ts';
import type { ResultReader } from './result-reader.ts';
import type { Signature } from './signature.ts';
import { createTaskHandle, type TaskHandle } from './task-handle.ts';

type AnySignature = Signature<never[], unknown>;

type HandlesOf<Map extends Readonly<Record<string, Contract>>> = {
  readonly [Name in keyof Map]: TaskHandle<Map[Name]>;
};

/**
 * A Celery application as a producer sees it. Several may live in one process; nothing is global.
 * Loads its driver and connects at the first call, not before; `close()` when done (or `await using`).
 */
export class Celery {
  readonly #options: CeleryOptions;
  readonly #openReader = (): Promise<ResultReader> => this.#reader();
  #publisher: Publisher | undefined;
  #publisherOpening: Promise<Publisher> | undefined;
  #readerOpening: Promise<ResultReader> | undefined;
  #closed = false;

  constructor(options: CeleryOptions) {
    this.#options = options;
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
  tasks<Map extends Readonly<Record<string, Contract>>>(contracts: Map): HandlesOf<Map> {
    const handles = Object.entries(contracts).map(([name, named]) => [name, this.task(named)]);
    return Object.fromEntries(handles) as HandlesOf<Map>;
  }

  /**
   * Publishes one signature. Resolves when the broker has the message.
   * @throws CeleriacError CELERIAC_E_PUBLISH (not taken), CELERIAC_E_PUBLISH_UNCERTAIN (may have been taken; `data.taskId` may safely
   * be sent again), CELERIAC_E_UNROUTABLE, CELERIAC_E_NO_POOL_FITS, CELERIAC_E_CONFIG (`pools`, or resources without them),
   * CELERIAC_E_ARGUMENTS, CELERIAC_E_VALUE, CELERIAC_E_CLOSED
   */
  async apply<Result>(signature: Signature<never[], Result> | Signature<[], Result>): Promise<AsyncResult<Result>> {
    const publisher = this.#publisher ?? (await this.#openPublisher());
    return new AsyncResult<Result>(await publisher.publish(signature), this.#openReader);
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
  async publishMany(
    source: AsyncIterable<AnySignature | Signature> | Iterable<AnySignature | Signature>,
    options?: PublishManyOptions,
  ): Promise<PublishManyReport> {
    const publisher = await this.#openPublisher();
    return await publishMany(source as AsyncIterable<AnySignature>, (signature) => publisher.publish(signature), options);
  }

  /** The result of a task sent earlier, by whomever. */
  result<Result = unknown>(taskId: string): AsyncResult<Result> {
    return new AsyncResult<Result>(taskId, this.#openReader);
  }

  /** Waits for what is being published and disconnects. Later calls reject with CELERIAC_E_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#publisher = undefined;
    const opened = await Promise.allSettled([this.#publisherOpening, this.#readerOpening]);
    await Promise.all(opened.map(async (one) => (one.status === 'fulfilled' ? one.value?.close() : undefined)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openPublisher(): Promise<Publisher> {
    this.#refuseWhenClosed();
    this.#publisherOpening ??= import('./publisher.ts').then(({ openPublisher }) => openPublisher(this.#options));
    const publisher = await this.#publisherOpening;
    if (!this.#closed) this.#publisher = publisher;
    return publisher;
  }

  async #reader(): Promise<ResultReader> {
    this.#refuseWhenClosed();
    const { backend, resultBackendTransportOptions, logger } = this.#options;
    if (backend === undefined) {
      throw new CeleriacError('CELERIAC_E_NO_BACKEND', 'a result was asked for, but this client has none: new Celery({ broker, backend })');
    }
    this.#readerOpening ??= import('./result-reader.ts').then(({ openResultReader }) =>
      openResultReader({
        url: backend,
        ...(logger !== undefined && { logger }),
        ...(resultBackendTransportOptions !== undefined && { transportOptions: resultBackendTransportOptions }),
      }),
    );
    return await this.#readerOpening;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new CeleriacError('CELERIAC_E_CLOSED', 'this Celery client has been closed');
  }
}
