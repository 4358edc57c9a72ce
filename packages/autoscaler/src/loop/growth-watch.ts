import type { Logger, QueueAdmin, Subscription } from '@celeriac/brokers';

/** Wakes a pool at zero when one of its queues grows. */
export interface GrowthWatch {
  /** Arms or disarms it; calls back once it is armed, since a message may have come just before. */
  arm(on: boolean): void;
  readonly armed: boolean;
  close(): Promise<void>;
}

const RETRY_MS = 1_000;

/** A watch on the growth of some queues, armed only while asked for: on RabbitMQ it costs a passive declare every 200 ms. */
export function createGrowthWatch(options: {
  readonly queues: readonly string[];
  readonly admin: Pick<QueueAdmin, 'watchGrowth'>;
  readonly onGrowth: (queue: string) => void;
  readonly onArmed: () => void;
  readonly logger: Logger;
}): GrowthWatch {
  let wanted = false;
  let closed = false;
  let subscription: Subscription | undefined;
  let changing: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  const change = async (): Promise<void> => {
    while (wanted !== (subscription !== undefined)) {
      if (wanted) {
        subscription = await options.admin.watchGrowth(options.queues, (queue) => {
          if (wanted) options.onGrowth(queue);
        });
        options.onArmed();
      } else {
        const ending = subscription;
        subscription = undefined;
        await ending?.close();
      }
    }
  };
  const follow = (): void => {
    if (changing !== undefined) return;
    changing = change()
      .catch((error: unknown) => {
        options.logger.warn({ err: error, queues: options.queues }, 'cannot watch queues for growth, asking once a second instead');
        if (!closed) retry = setTimeout(follow, RETRY_MS);
      })
      .finally(() => {
        changing = undefined;
      });
  };
  return {
    arm(on) {
      if (on === wanted || closed) return;
      wanted = on;
      follow();
    },
    get armed() {
      return subscription !== undefined;
    },
    async close() {
      closed = true;
      wanted = false;
      clearTimeout(retry);
      await changing;
      await change().catch((error: unknown) => options.logger.debug({ err: error }, 'growth watch not closed'));
    },
  };
}
