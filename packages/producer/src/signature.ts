import type { Contract } from '@celeriac/protocol';
import type { ApplyOptions } from './apply-options.ts';

/**
 * One call as data: what to run, with what, how. Immutable; made by {@link TaskHandle.s} and {@link TaskHandle.signature}.
 * `Missing` are the positional arguments still to be prepended, `Result` is what the task returns.
 */
export interface Signature<Missing extends readonly unknown[] = [], Result = unknown> {
  readonly contract: Contract;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: ApplyOptions;
  /** Types only. */
  readonly '~missing'?: Missing;
  readonly '~result'?: Result;
}
