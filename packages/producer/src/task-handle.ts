import type { Contract } from '@celeriac/protocol';
import type { ApplyOptions } from './apply-options.ts';
import type { AsyncResult } from './async-result.ts';
import type { Signature } from './signature.ts';

type Types<C extends Contract> = NonNullable<C['~types']>;

/** Arguments and options of one call. */
export interface Call<C extends Contract> extends ApplyOptions {
  readonly args?: Types<C>['args'];
  readonly kwargs?: Types<C>['kwargs'];
}

/** A task bound to a client: typed by its contract. */
export interface TaskHandle<C extends Contract> {
  /** Registered task name. */
  readonly name: string;
  /** Calls it; resolves when the broker has the message, not when it has run. Errors: see {@link Celery.apply}. */
  delay(...args: Types<C>['args']): Promise<AsyncResult<Types<C>['result']>>;
  /** Calls it with options. */
  applyAsync(call?: Call<C>): Promise<AsyncResult<Types<C>['result']>>;
  /** One call as data, for publishMany. */
  s(...args: Types<C>['args']): Signature<[], Types<C>['result']>;
  /** One call with options as data. */
  signature(call?: Call<C>): Signature<[], Types<C>['result']>;
}

/** What a handle needs of its client. */
export interface SignaturePublisher {
  apply<Result>(signature: Signature<[], Result>): Promise<AsyncResult<Result>>;
}

const NO_KWARGS: Readonly<Record<string, unknown>> = Object.freeze({});
const NO_OPTIONS: ApplyOptions = Object.freeze({});

/** Binds a contract to a client. */
export function createTaskHandle<C extends Contract>(contract: C, publisher: SignaturePublisher): TaskHandle<C> {
  const s = (...args: Types<C>['args']): Signature<[], Types<C>['result']> => ({
    contract,
    args,
    kwargs: NO_KWARGS,
    options: NO_OPTIONS,
  });
  const signature = (call: Call<C> = {}): Signature<[], Types<C>['result']> => {
    const { args = [], kwargs = NO_KWARGS, ...options } = call;
    return { contract, args, kwargs, options };
  };
  return {
    name: contract.name,
    delay: (...args) => publisher.apply(s(...args)),
    applyAsync: (call) => publisher.apply(signature(call)),
    s,
    signature,
  };
}
