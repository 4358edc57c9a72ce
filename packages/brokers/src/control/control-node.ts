import { addressedTo, type ControlRequest, decodeControlRequest, encodeControlReply, pythonRepr } from '@celeriac/protocol';
import type { LamportClock } from '../events/lamport-clock.ts';
import type { Logger } from '../observe/logger.ts';
import type { Bus, BusMessage, Subscription } from '../transports/transport.ts';

/** Answers one method. What it returns is the reply; undefined sends none. What it throws is answered as `{error}`. */
export type ControlHandler = (args: Readonly<Record<string, unknown>>, request: ControlRequest) => unknown;

export interface ControlNodeOptions {
  readonly bus: Bus;
  /** Node name, `name@host`: unique in the fleet. */
  readonly nodename: string;
  readonly handlers: Readonly<Record<string, ControlHandler>>;
  readonly clock: LamportClock;
  readonly logger: Logger;
}

/**
 * Listens for remote control on `<node>.celery.pidbox` and answers in Celery's shape (kombu/pidbox.py, celery/worker/control.py).
 * Hostile input neither ends nor deafens it: what does not decode is counted and dropped.
 */
export async function createControlNode(options: ControlNodeOptions): Promise<Subscription> {
  const { bus, nodename, clock, logger } = options;
  const handlers = new Map(Object.entries(options.handlers));
  let unreadable = 0;

  const answer = async (request: ControlRequest): Promise<void> => {
    let reply: unknown;
    try {
      const handler = handlers.get(request.method);
      reply = handler === undefined ? { error: `KeyError(${pythonRepr(request.method)})` } : await handler(request.arguments, request);
    } catch (error) {
      logger.warn({ err: error, method: request.method }, 'remote control command failed');
      reply = { error: error instanceof Error ? `${error.name}(${pythonRepr(error.message)})` : String(error) };
    }
    if (reply === undefined || request.replyTo === null) return;
    const message = encodeControlReply(request.ticket, nodename, reply, clock.forward());
    await bus.reply(request.replyTo.exchange, request.replyTo.routingKey, message);
  };

  const receive = (received: BusMessage): void => {
    clock.adjust(received.message.headers.clock);
    const request = decodeControlRequest(received.message);
    if (request === undefined) {
      unreadable += 1;
      if (unreadable === 1 || unreadable % 1000 === 0) logger.warn({ unreadable }, 'unreadable remote control message ignored');
      return;
    }
    if (!addressedTo(request, nodename)) return;
    answer(request).catch((error: unknown) => logger.warn({ err: error, method: request.method }, 'remote control answer not sent'));
  };

  return await bus.subscribe({ exchange: 'celery.pidbox', type: 'fanout', binding: '', queue: `${nodename}.celery.pidbox` }, receive);
}
