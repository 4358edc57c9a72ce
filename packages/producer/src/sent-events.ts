import { type Bus, createEventDispatcher, createLamportClock, type Logger, type Publication, taskSentFields } from '@celeriac/brokers';

/** What is still on its way when the client closes has this long to become an event. */
const CLOSE_MS = 2_000;
/** After events that were not taken no more are sent for so long: a broker that refuses them would refuse each. */
const PAUSE_MS = 30_000;

export interface SentEventsOptions {
  readonly bus: Bus;
  /** `gen<pid>@<host>`, as a Celery client calls itself. */
  readonly nodename: string;
  readonly logger: Logger;
}

/** Tells listeners what one client has published. No publish waits for it or fails because of it. */
export interface SentEvents {
  /** Sends `task-sent` once the broker has the message; nothing where it does not take it. */
  follow(published: Promise<void>, publication: Publication): void;
  /** Resolves when what was published before has been told of, or after two seconds. */
  close(): Promise<void>;
}

/** Creates the events of one client. */
export function createSentEvents({ bus, nodename, logger }: SentEventsOptions): SentEvents {
  let underWay = 0;
  let pausedUntilMs = 0;
  let warned = false;
  let whenIdle: (() => void) | undefined;

  const onUnsent = (error: unknown): void => {
    pausedUntilMs = performance.now() + PAUSE_MS;
    const text = 'task-sent events were not taken; tasks are published without them, and a next event is tried every 30 s';
    logger[warned ? 'debug' : 'warn']({ err: error }, text);
    warned = true;
  };
  const dispatcher = createEventDispatcher({
    ...{ bus, nodename, logger, onUnsent },
    clock: createLamportClock(),
    pid: process.pid,
    now: Date.now,
  });
  const landed = (): void => {
    underWay -= 1;
    if (underWay === 0) whenIdle?.();
  };

  return {
    follow(published, publication) {
      underWay += 1;
      published.then(() => {
        if (performance.now() >= pausedUntilMs) dispatcher.send('task-sent', taskSentFields(publication));
        landed();
      }, landed);
    },
    async close() {
      const limit = AbortSignal.timeout(CLOSE_MS);
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          limit.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      await dispatcher.stop(limit);
    },
  };
}
