import type { IncomingHttpHeaders } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { CeleriacError } from '@celeriac/protocol';
import { kubeError } from './failure.ts';
import { leavesWriteOpen, retryAfterMs } from './retry.ts';

const MOST_TEXT = 1_000;

/** The error for a call that got no answer. */
export function lostFailure(
  what: string,
  lost: { readonly isWrite: boolean; readonly sent: boolean; readonly cause: unknown; readonly signal: AbortSignal },
): CeleriacError {
  const { isWrite, sent, cause, signal } = lost;
  const timedOut = signal.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
  const tls = code !== null && /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(code);
  const reason = timedOut ? 'Timeout' : signal.aborted ? 'Aborted' : tls && !sent ? 'Tls' : 'ConnectionLost';
  const said = timedOut ? 'no answer in time' : cause instanceof Error ? cause.message : 'the connection was lost';
  const outcomeUnknown = isWrite && sent;
  const open = outcomeUnknown ? '; whether it was carried out is unknown' : '';
  return kubeError(`${what}: ${said}${open}`, { status: null, reason, retryAfterMs: null, outcomeUnknown }, cause);
}

/** The error for an answer that is none of success. */
export function answerFailure(
  what: string,
  answer: { readonly isWrite: boolean; readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string },
): CeleriacError {
  const { isWrite, status, headers } = answer;
  const said = statusOf(answer.text);
  const seconds = said?.details?.retryAfterSeconds;
  const waitMs = retryAfterMs(headers['retry-after'], Date.now()) ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : null);
  const fallback = status >= 300 && status < 400 ? 'Redirect' : (STATUS_CODES[status] ?? 'Unknown').replaceAll(' ', '');
  const reason = typeof said?.reason === 'string' && said.reason !== '' ? said.reason : fallback;
  const message = typeof said?.message === 'string' ? said.message : '';
  return kubeError(`${what}: ${status} ${reason}${message === '' ? '' : `: ${message.slice(0, MOST_TEXT)}`}`, {
    status,
    reason,
    retryAfterMs: waitMs,
    outcomeUnknown: isWrite && leavesWriteOpen(status),
  });
}

/** A `Status` object, as far as the text is one. */
function statusOf(text: string): { reason?: unknown; message?: unknown; details?: { retryAfterSeconds?: unknown } | null } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
