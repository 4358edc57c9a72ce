import { exceptionRepr } from './remote-exception.ts';
import type { RemoteException } from './result-meta.ts';

/** The error a task ended with, as its result record tells it; the `cause` of CELERIAC_E_TASK_FAILED. */
export class TaskError extends Error {
  override readonly name: string = 'TaskError';
  /** Class name on the other side, for example `ValueError`. */
  readonly excType: string;
  /** Python module of the class, null where there is none. */
  readonly excModule: string | null;
  /** The arguments of the exception. */
  readonly excMessage: unknown;
  /** Text of the traceback on the other side, or null. */
  readonly traceback: string | null;

  constructor(exception: RemoteException, traceback: string | null = null) {
    super(exceptionRepr(exception));
    this.excType = exception.exc_type;
    this.excModule = exception.exc_module;
    this.excMessage = exception.exc_message;
    this.traceback = traceback;
  }
}
