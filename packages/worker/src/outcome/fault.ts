import { exceptionRepr, type RemoteException } from '@celeriac/protocol';

/** An exception with the texts that go beside it. */
export interface Fault {
  readonly exception: RemoteException;
  readonly exceptionRepr: string;
  readonly traceback: string;
}

/** Adds the texts to an exception that no child reported. */
export function withRepr(exception: RemoteException, traceback: string): Fault {
  return { exception, exceptionRepr: exceptionRepr(exception), traceback };
}
