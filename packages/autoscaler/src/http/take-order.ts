import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import type { Autoscaler } from '../autoscaler.ts';
import type { Orders } from '../decide/seen.ts';
import { sendJson } from './answer.ts';
import { type OrderChange, readOrder } from './order-request.ts';
import { sendNoPool, sendStandby } from './refusals.ts';
import type { WriteAccess } from './write-access.ts';

/** Answers `POST /api/pools/:name/orders`. Only whoever holds the lease takes orders: they are kept with it. */
export async function takeOrder(
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly autoscaler: Autoscaler; readonly access: WriteAccess; readonly logger: Logger; readonly pool: string },
): Promise<void> {
  const { autoscaler, logger, pool } = options;
  const access = await options.access(request);
  if (access.kind === 'refused') {
    return sendJson(response, access.status, { error: access.text }, access.status === 401 ? { 'www-authenticate': 'Bearer' } : {});
  }
  const read = await readOrder(request);
  if (read.kind === 'refused') return sendJson(response, read.status, { error: read.text }, { connection: 'close' });
  const before = autoscaler.orders(pool);
  if (before === undefined) return sendNoPool(response, autoscaler, pool);
  if (!autoscaler.lease.held) return sendStandby(response, autoscaler);
  const orders = changed(before.ours, read.change);
  try {
    await autoscaler.order(pool, orders);
  } catch (error) {
    logger.warn({ err: error, pool, orders }, 'an order was taken but would not survive us');
    const why = isCeleriacError(error) ? error.message : 'it could not be written';
    return sendJson(response, 503, { error: `the order stands here, but is not kept with the lease yet: ${why}`, pool, orders });
  }
  logger.info({ pool, orders, before }, 'ordered');
  sendJson(response, 200, { pool, orders, onTarget: before.onTarget });
}

function changed(before: Orders, { by, ...change }: OrderChange): Orders {
  const orders = { ...before, ...change };
  return { ...orders, by: orders.pause === null && orders.fixed === null && !orders.forceActive ? '' : by };
}
