import { randomUUID } from 'node:crypto';
import { decodeControlReply, encodeControlRequest } from '@celeriac/protocol';
import { createLamportClock, type LamportClock } from '../events/lamport-clock.ts';
import type { Bus, BusMessage } from '../transports/transport.ts';

export interface ControlCallOptions {
  /** Node names; null or absent asks everybody. */
  readonly destination?: readonly string[] | null;
  /** How long to wait for answers. Default 1,000, as Celery. */
  readonly timeoutMs?: number;
  /** Stop waiting after this many answers. Default: the number of destinations, or no bound. */
  readonly limit?: number;
}

/** Asks nodes for something by remote control, Python Celery's included (celery/app/control.py). */
export interface ControlClient {
  /** Resolves with the answers by node name, at the latest after `timeoutMs`; who did not answer is absent. */
  request(method: string, args?: Readonly<Record<string, unknown>>, options?: ControlCallOptions): Promise<Map<string, unknown>>;
  /** Sends without asking for answers. */
  cast(method: string, args?: Readonly<Record<string, unknown>>, options?: Pick<ControlCallOptions, 'destination'>): Promise<void>;
}

export interface ControlClientOptions {
  readonly bus: Bus;
  readonly clock?: LamportClock;
  /** Epoch milliseconds. Default Date.now. */
  readonly now?: () => number;
}

/**
 * Creates a client. The reply queue is opened for each call and closed behind it: one that is bound once and kept goes silent after
 * an hour when Celery 5.7 workers sweep expired bindings (kombu/transport/redis.py).
 */
export function createControlClient(options: ControlClientOptions): ControlClient {
  const { bus } = options;
  const clock = options.clock ?? createLamportClock();
  const now = options.now ?? Date.now;

  const send = async (
    method: string,
    args: Readonly<Record<string, unknown>>,
    destination: readonly string[] | null,
    reply: { ticket: string; routingKey: string; timeoutMs: number } | null,
  ): Promise<void> => {
    const request = {
      method,
      arguments: args,
      destination: destination === null ? null : [...destination],
      pattern: null,
      matcher: null,
      ticket: reply === null ? null : reply.ticket,
      replyTo: reply === null ? null : { exchange: 'reply.celery.pidbox', routingKey: reply.routingKey },
    };
    const expiresAtS = reply === null ? 0 : (now() + reply.timeoutMs) / 1000;
    await bus.broadcast('celery.pidbox', '', encodeControlRequest(request, clock.forward(), expiresAtS));
  };

  return {
    async request(method, args = {}, call = {}) {
      const destination = call.destination ?? null;
      const timeoutMs = call.timeoutMs ?? 1_000;
      const limit = call.limit ?? (destination === null ? Number.POSITIVE_INFINITY : destination.length);
      const answers = new Map<string, unknown>();
      if (limit <= 0) return answers;
      const ticket = randomUUID();
      const key = randomUUID();
      const { promise: enough, resolve: done } = Promise.withResolvers<void>();
      const receive = (received: BusMessage): void => {
        clock.adjust(received.message.headers.clock);
        const reply = decodeControlReply(received.message);
        if (reply === undefined || reply.ticket !== ticket) return;
        for (const [node, value] of Object.entries(reply.replies)) answers.set(node, value);
        if (answers.size >= limit) done();
      };
      const replies = await bus.openReplies(key, receive);
      const timer = setTimeout(done, timeoutMs);
      try {
        await send(method, args, destination, { ticket, routingKey: key, timeoutMs });
        await enough;
      } finally {
        clearTimeout(timer);
        await replies.close();
      }
      return answers;
    },
    cast(method, args = {}, call = {}) {
      return send(method, args, call.destination ?? null, null);
    },
  };
}
