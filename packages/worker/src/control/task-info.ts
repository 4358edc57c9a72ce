import { decodeBody } from '@celeriac/protocol';
import type { Attempt } from '../intake/attempt.ts';

/** Bodies over this, and compressed ones, are shown by their display text. */
const MAX_SHOWN_BYTES = 64 * 1024;

/** One task as `inspect` shows it (celery/worker/request.py `Request.info`). With `safe` the arguments are display texts. */
export function taskInfo(attempt: Attempt, nodename: string, safe: boolean): Record<string, unknown> {
  const { request, delivery } = attempt;
  const { exchange, routingKey, priority, redelivered } = request.deliveryInfo;
  return {
    id: request.id,
    name: request.shadow ?? request.taskName,
    ...argumentsOf(attempt, safe),
    type: request.taskName,
    hostname: nodename,
    time_start: attempt.startedAtMs === null ? null : attempt.startedAtMs / 1000,
    acknowledged: attempt.acked,
    delivery_info: { exchange, routing_key: routingKey, priority, redelivered: redelivered || delivery.redelivered },
    worker_pid: attempt.pid,
  };
}

function argumentsOf({ request }: Attempt, safe: boolean): { readonly args: unknown; readonly kwargs: unknown } {
  if (!safe && request.compression === null && request.body.byteLength <= MAX_SHOWN_BYTES) {
    const decoded = decodeBody(request);
    if (decoded.kind === 'body') return { args: decoded.body.args, kwargs: decoded.body.kwargs };
  }
  return { args: request.argsRepr, kwargs: request.kwargsRepr };
}
