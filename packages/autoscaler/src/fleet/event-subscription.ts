import { randomUUID } from 'node:crypto';
import type { Bus, BusMessage, Logger, Subscription } from '@celeriac/brokers';

/** A queue of one's own on `celeryev` that is asked for until the broker gives it. */
export interface EventSubscription {
  /** Whether it stands. */
  readonly listening: boolean;
  /** Begins; retries in the background until the broker is there. */
  start(): void;
  close(): Promise<void>;
}

export interface EventSubscriptionOptions {
  readonly bus: Bus;
  /** Routing keys, for example `worker.#`; `#` for all. */
  readonly binding: string;
  readonly onMessage: (message: BusMessage) => void;
  /** Called when it stands. */
  readonly onListening?: () => void;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;

/** Listens as celery/events/receiver.py does. Nothing is subscribed before `start`. */
export function createEventSubscription({ bus, binding, onMessage, onListening, logger }: EventSubscriptionOptions): EventSubscription {
  let subscription: Subscription | undefined;
  let retry: NodeJS.Timeout | undefined;
  let starting: Promise<void> = Promise.resolve();
  let closed = false;

  const subscribe = async (): Promise<void> => {
    try {
      const made = await bus.subscribe({ exchange: 'celeryev', type: 'topic', binding, queue: `celeryev.${randomUUID()}` }, onMessage);
      if (closed) return await made.close();
      subscription = made;
      onListening?.();
    } catch (error) {
      logger.warn({ err: error, binding }, 'cannot listen to events, trying again');
      if (!closed) retry = setTimeout(begin, RETRY_MS);
    }
  };
  const begin = (): void => {
    starting = subscribe();
  };

  return {
    get listening() {
      return subscription !== undefined;
    },
    start: begin,
    async close() {
      closed = true;
      clearTimeout(retry);
      await starting;
      await subscription?.close().catch((error: unknown) => logger.debug({ err: error, binding }, 'event subscription not closed'));
    },
  };
}
