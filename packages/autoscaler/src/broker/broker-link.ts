import { type Logger, maskUrl, type QueueAdmin, type Transport } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { ClaimSweep } from '../loop/upkeep.ts';
import type { MemoryPolicy } from '../samplers/broker-facts.ts';
import { inTime } from '../samplers/in-time.ts';
import { standingOrders } from './standing-orders.ts';

/** What an autoscaler speaks to the broker by; the connection behind it may change, it itself stays. */
export interface BrokerLink extends Transport, ClaimSweep, MemoryPolicy {
  /** The URL in use. Holds the password: for the environment of workers, never for a log. */
  readonly url: string;
  /** Whether the connection is being changed: until it is, nothing can be read. */
  readonly changing: boolean;
  /**
   * Goes over to another URL once that works, and tries again until it does or is given another one; the old connection is used until
   * then. Never rejects.
   */
  follow(url: string): void;
}

export interface BrokerLinkOptions {
  readonly url: string;
  /** Makes a transport; nothing is connected before its first use. */
  readonly connect: (url: string) => Promise<Transport & Partial<ClaimSweep & MemoryPolicy>>;
  readonly logger: Logger;
  /** Called first thing when the link is closed. */
  readonly onClose?: () => void;
  /** Between two tries of a URL that does not work, ms. Default 5,000. */
  readonly retryMs?: number;
  /** How long a new connection may take to show that it works, ms. Default 10,000. */
  readonly limitMs?: number;
}

const RETRY_MS = 5_000;
const LIMIT_MS = 10_000;
/** Asked for its depth to see whether a connection works; it need not exist. */
const PROBE_QUEUE = 'celery';

type Current = Transport & Partial<ClaimSweep & MemoryPolicy>;

/**
 * A link on the transport of `url`. Rejects where that URL cannot be used at all.
 *
 * Going over: the new connection is made and asked something while the old one still serves; then everything that stands on the old one
 * (worker events, watches) is ended and opened on the new one, never on both, so that no heartbeat counts twice. In between, questions
 * are refused: a pool that asks learns nothing and holds.
 */
export async function openBrokerLink(options: BrokerLinkOptions): Promise<BrokerLink> {
  const { connect, logger, retryMs = RETRY_MS, limitMs = LIMIT_MS } = options;
  const orders = standingOrders();
  const closing = new AbortController();
  let url = options.url;
  let current: Current = await connect(url);
  /** Whether the orders stand on the current transport; while they do not, nothing is read from it. */
  let standing = true;
  let wanted = url;
  let following: Promise<void> | undefined;

  /** The answer, if the connection is still the one that was asked. */
  const ask = async <T>(question: (transport: Current) => Promise<T>): Promise<T> => {
    const asked = current;
    if (!standing) throw changed();
    const answer = await question(asked);
    if (asked !== current || !standing) throw changed();
    return answer;
  };
  const stand = async (transport: Current): Promise<void> => {
    try {
      await inTime(orders.set(transport), limitMs, 'subscribing over the connection to the broker');
      standing = true;
    } catch (error) {
      await orders.lift();
      throw error;
    }
  };
  const goOver = async (next: Current, nextUrl: string): Promise<void> => {
    const before = current;
    standing = false;
    await orders.lift();
    try {
      await stand(next);
    } catch (error) {
      await stand(before).catch((failed: unknown) => {
        logger.warn({ err: failed }, 'the old connection to the broker does not serve either: all pools hold');
      });
      throw error;
    }
    current = next;
    url = nextUrl;
    await before.close().catch((error: unknown) => logger.debug({ err: error }, 'the old connection to the broker was not closed cleanly'));
  };
  const attempt = async (target: string): Promise<void> => {
    const next = await connect(target);
    const giveUp = (): void => void next.close().catch(() => undefined);
    closing.signal.addEventListener('abort', giveUp, { once: true });
    try {
      await inTime(next.queues.depth(PROBE_QUEUE), limitMs, 'an answer over the new connection to the broker');
      if (wanted !== target || closing.signal.aborted) throw changed();
      await goOver(next, target);
    } catch (error) {
      await next.close().catch(() => undefined);
      throw error;
    } finally {
      closing.signal.removeEventListener('abort', giveUp);
    }
  };
  const followWanted = async (): Promise<void> => {
    let toldOf = '';
    while ((wanted !== url || !standing) && !closing.signal.aborted) {
      const target = wanted;
      try {
        if (target === url) await stand(current);
        else {
          await attempt(target);
          logger.info({ broker: maskUrl(target) }, 'went over to the new broker URL');
        }
      } catch (error) {
        if (wanted !== target || closing.signal.aborted) continue;
        const text = error instanceof Error ? error.message : String(error);
        const level = text === toldOf ? 'debug' : 'warn';
        toldOf = text;
        logger[level](
          { err: error, broker: maskUrl(target) },
          'the new broker URL does not work: going on with the old one and trying again',
        );
        await pause(retryMs, closing.signal);
      }
    }
  };

  const queues: QueueAdmin = {
    declare: (queue) => ask((transport) => transport.queues.declare(queue)),
    depth: (name) => ask((transport) => transport.queues.depth(name)),
    depths: (names) => ask((transport) => transport.queues.depths(names)),
    consumers: (names) => ask(async (transport) => (await transport.queues.consumers?.(names)) ?? new Map<string, number>()),
    purge: (name) => ask((transport) => transport.queues.purge(name)),
    nextDueMs: () => ask((transport) => transport.queues.nextDueMs()),
    watchGrowth: (names, onGrowth) =>
      orders.place(standing ? current : null, {
        open: (transport) => transport.queues.watchGrowth(names, onGrowth),
        onMoved: () => {
          for (const name of names) onGrowth(name);
        },
      }),
  };
  return {
    get url() {
      return url;
    },
    get changing() {
      return !standing;
    },
    get traits() {
      return current.traits;
    },
    get quarantine() {
      return current.quarantine;
    },
    publish: (publication) => ask((transport) => transport.publish(publication)),
    consume: () => Promise.reject(new CeleriacError('CELERIAC_E_CONFIG', 'an autoscaler consumes nothing')),
    queues,
    bus: {
      broadcast: (exchange, routingKey, message) => ask((transport) => transport.bus.broadcast(exchange, routingKey, message)),
      reply: (exchange, routingKey, message) => ask((transport) => transport.bus.reply(exchange, routingKey, message)),
      subscribe: (source, onMessage) =>
        orders.place(standing ? current : null, {
          open: (transport) => transport.bus.subscribe(source, onMessage),
          onMoved: () => undefined,
        }),
      // For one call each, which ends without its answers when the connection changes.
      openReplies: (key, onMessage) => ask((transport) => transport.bus.openReplies(key, onMessage)),
    },
    sweepClaims: () => ask(async (transport) => (await transport.sweepClaims?.()) ?? { restored: 0 }),
    memoryPolicy: () => ask(async (transport) => (await transport.memoryPolicy?.()) ?? null),
    moveDue: () => ask(async (transport) => (await transport.moveDue?.()) ?? 0),
    follow(next) {
      wanted = next;
      following ??= followWanted().finally(() => {
        following = undefined;
      });
    },
    async close() {
      closing.abort();
      options.onClose?.();
      await following;
      await current.close();
    },
  };
}

const changed = (): CeleriacError => new CeleriacError('CELERIAC_E_CONNECTION', 'the connection to the broker is being changed');

function pause(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, forMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
