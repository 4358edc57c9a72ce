import { CeleriacError, isCeleriacError } from '@celeriac/protocol';

/** What is known of a call to the Kubernetes API that failed; the `data` of a CELERIAC_E_KUBERNETES error. */
export interface KubeFailure {
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /**
   * The API server's word (`Conflict`, `NotFound`, `Forbidden`, `Expired`, `TooManyRequests`, ...), or ours where it gave none:
   * `Timeout`, `ConnectionLost`, `Tls`, `MayNotWrite`, `Aborted`, `NotJson`, `Redirect`.
   */
  readonly reason: string;
  /** What the server asked us to wait, ms; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** The call was a write, its bytes had left, and nothing tells whether it was carried out: read before it is repeated. */
  readonly outcomeUnknown: boolean;
}

/** A CELERIAC_E_KUBERNETES error. */
export function kubeError(message: string, failure: KubeFailure, cause?: unknown): CeleriacError {
  return new CeleriacError('CELERIAC_E_KUBERNETES', message, { data: { ...failure }, cause });
}

/** What a CELERIAC_E_KUBERNETES error knows; null for any other error. */
export function kubeFailure(error: unknown): KubeFailure | null {
  if (!isCeleriacError(error, 'CELERIAC_E_KUBERNETES')) return null;
  const { status, reason, retryAfterMs, outcomeUnknown } = error.data;
  return {
    status: typeof status === 'number' ? status : null,
    reason: typeof reason === 'string' ? reason : 'Unknown',
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null,
    outcomeUnknown: outcomeUnknown === true,
  };
}
