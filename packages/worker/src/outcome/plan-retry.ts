import {
  decodeEmbed,
  EMPTY_EMBED_JSON,
  embedJson,
  hasEmptyEmbed,
  maxRetriesExceeded,
  type Request,
  retryMessage,
} from '@celeriac/protocol';
import type { Outcome } from '../pool/pool.ts';
import type { TaskOptions } from '../tasks/manifest.ts';
import { ackUnlessDone, type Ended, nameOf, storesResult } from './ended.ts';
import { type Fault, withRepr } from './fault.ts';
import { planFailure } from './plan-failure.ts';
import { exceptionRecord, pythonUtcText } from './records.ts';
import { NO_STORES, type Settlement } from './settlement.ts';

type Retry = Pick<
  Extract<Outcome, { readonly kind: 'retry' }>,
  'exception' | 'exceptionRepr' | 'traceback' | 'countdownMs' | 'argumentsJson' | 'maxRetries'
>;

/**
 * The same id published again with one retry more, RETRY stored, the message acknowledged; or FAILURE once retries are used up
 * (celery/app/task.py `Task.retry`).
 */
export function planRetry(ended: Ended, retry: Retry): Settlement {
  const { request, options } = ended;
  const maxRetries = retry.maxRetries === undefined ? (options.maxRetries === undefined ? 3 : options.maxRetries) : retry.maxRetries;
  if (maxRetries !== null && request.retries + 1 > maxRetries) return planFailure(ended, exhausted(request, retry), ackUnlessDone(ended));

  const countdownMs = retry.countdownMs ?? retryDelayS(options, request.retries, ended.random) * 1000;
  const message = retryMessage(request, {
    etaText: countdownMs > 0 ? pythonUtcText(ended.nowMs + countdownMs) : null,
    bodyJson: retry.argumentsJson === null ? null : withEmbed(request, retry.argumentsJson),
    parentId: request.parentId ?? request.id,
  });
  return {
    kind: 'retried',
    stores: storesResult(ended) ? [exceptionRecord({ request, nowMs: ended.nowMs }, 'RETRY', retry.exception, retry.traceback)] : NO_STORES,
    publish: [{ message, exchange: '', routingKey: ended.queue }],
    ending: ackUnlessDone(ended),
    report: () => ({
      event: { type: 'task-retried', fields: { uuid: request.id, exception: retry.exceptionRepr, traceback: retry.traceback } },
      level: 'info',
      text: `Task ${nameOf(request)} retry: Retry in ${countdownMs / 1000}s${retry.exceptionRepr === '' ? '' : `: ${retry.exceptionRepr}`}`,
      fields: { countdownMs },
    }),
  };
}

/**
 * Seconds before the next attempt of a task that states no countdown: its backoff, else its delay (celery/utils/time.py
 * `get_exponential_backoff_interval`, full jitter).
 * @param random from 0 up to 1
 */
export function retryDelayS(options: TaskOptions, retries: number, random: number): number {
  const { retryBackoff = false, retryBackoffMax = 600, retryJitter = true, defaultRetryDelay = 180 } = options;
  if (retryBackoff === false) return defaultRetryDelay;
  const factor = retryBackoff === true ? 1 : Math.max(1, retryBackoff);
  const delayS = Math.min(retryBackoffMax, Math.trunc(factor * 2 ** retries));
  return Math.max(0, retryJitter ? Math.floor(random * (delayS + 1)) : delayS);
}

function exhausted(request: Request, retry: Retry): Fault {
  if (retry.exception !== null) {
    return { exception: retry.exception, exceptionRepr: retry.exceptionRepr, traceback: retry.traceback };
  }
  const text = `Can't retry ${nameOf(request)} args:${request.argsRepr} kwargs:${request.kwargsRepr}`;
  return withRepr(maxRetriesExceeded(text), retry.traceback);
}

/** New arguments in front of what the message says must follow. */
function withEmbed(request: Request, argumentsJson: string): string {
  return `${argumentsJson.slice(0, argumentsJson.lastIndexOf(']'))}, ${embedText(request)}]`;
}

function embedText(request: Request): string {
  if (hasEmptyEmbed(request)) return EMPTY_EMBED_JSON;
  const decoded = decodeEmbed(request);
  return decoded.kind === 'refused' ? EMPTY_EMBED_JSON : embedJson(decoded.embed); // refused: unreachable, a child has decoded it
}
