import type { Message } from '@celeriac/protocol';
import type { Logger } from '../observe/logger.ts';
import type { Delivery } from './delivery.ts';

/** A queue as Celery declares it. Arguments must equal those of every peer: RabbitMQ refuses others with 406. */
export interface QueueDeclaration {
  readonly name: string;
  /** The exchange the queue is bound to; default: one named like the queue (for the default queue `celery`, Celery's own). */
  readonly exchange?: string;
  readonly exchangeType?: 'direct' | 'topic' | 'fanout';
  readonly routingKey?: string;
  /** `x-queue-type`, `x-max-priority`, `x-expires`, ...; default none. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Default true. */
  readonly durable?: boolean;
}

/** One message on its way to the broker. */
export interface Publication {
  readonly message: Message;
  /** Default '' : the default exchange, where the routing key is the queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  /** Declared before the first message to it, once per connection; absent where the destination is known to exist. */
  readonly queue?: QueueDeclaration;
}

/** What consumers report beside deliveries. */
export type ConsumerEvent =
  | { readonly kind: 'connected' }
  /** Every held delivery's claim may be lost; `lost` of each that is has been aborted. */
  | { readonly kind: 'disconnected'; readonly error: Error }
  | { readonly kind: 'problem'; readonly error: Error };

export interface ConsumeOptions {
  readonly queues: readonly QueueDeclaration[];
  /** Name of the claims' owner: unique for each life of a worker, for example `celery@host/1b2c`. */
  readonly owner: string;
  /** Initial credit; 0 takes nothing. */
  readonly credit: number;
  /** How many of the next deliveries would start at once; asked at each claim so that the claim can record their start. What was handed out before is left out. */
  readonly startsAtOnce: () => number;
  /** Called with one or more deliveries, oldest first. Must not throw. */
  readonly onDeliveries: (deliveries: readonly Delivery[]) => void;
  readonly onEvent: (event: ConsumerEvent) => void;
}

/** A running consumption of several queues. Reconnects by itself until closed. */
export interface Consumer {
  readonly queues: readonly QueueDeclaration[];
  /** How many deliveries may be held unsettled, over all queues together (best effort on RabbitMQ: per queue). Takes effect at once. */
  setCredit(count: number): void;
  addQueue(queue: QueueDeclaration): Promise<void>;
  /** Resolves when no delivery of that queue will come any more. */
  cancelQueue(name: string): Promise<void>;
  /** Stops taking; resolves when no delivery will come any more. Held deliveries can still be settled. */
  close(): Promise<void>;
}

/** Queue operations for operators and samplers. */
export interface QueueAdmin {
  declare(queue: QueueDeclaration): Promise<void>;
  /** Messages ready in the queue (all priorities), or null where the queue does not exist. */
  depth(name: string): Promise<number | null>;
  /**
   * The same of many queues in few round trips, by name; 0 for a queue that does not exist, an error for one that could not be read.
   * Rejects where none could be read. Redis: scripts that sum 500 queues each; RabbitMQ: passive declares in a row.
   */
  depths(names: readonly string[]): Promise<ReadonlyMap<string, number | Error>>;
  /** How many consumers each of these queues has, by name; absent for one that could not be read. Undefined where the broker does not know. */
  consumers?(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Deletes the ready messages; resolves with their number. */
  purge(name: string): Promise<number>;
  /** When the next parked message is due (epoch ms), null for none, undefined where the broker cannot say. */
  nextDueMs(): Promise<number | null | undefined>;
  /**
   * Calls back whenever one of the queues may have grown from empty; a hint, at most one call per growth, possibly spurious.
   * All watches of a transport share their cost. Redis: CLIENT TRACKING; RabbitMQ: a passive declare of each queue every 200 ms, less
   * often beyond 400 queues.
   */
  watchGrowth(names: readonly string[], onGrowth: (name: string) => void): Promise<Subscription>;
}

/** One quarantined message as listed. */
export interface QuarantineEntry {
  /** Position-independent key for show, retry and drop. */
  readonly key: string;
  readonly queue: string;
  readonly code: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly quarantinedAtMs: number;
  readonly taskId: string | null;
  readonly taskName: string | null;
  readonly sizeBytes: number;
}

export interface Quarantine {
  list(queue: string, limit: number): Promise<readonly QuarantineEntry[]>;
  /** The whole original message in the broker's own form, or undefined. */
  show(queue: string, key: string): Promise<{ readonly entry: QuarantineEntry; readonly original: Uint8Array } | undefined>;
  /** Puts it back into its queue with a clean loss count; false where the key is gone. */
  retry(queue: string, key: string): Promise<boolean>;
  drop(queue: string, key: string): Promise<boolean>;
  /**
   * How many messages lie in the quarantine of each queue, by name; an error for one that could not be read. Cheap enough to be asked every
   * half minute of a thousand queues. On RabbitMQ a quarantine that is not there yet counts 0 for up to five minutes, and some are absent
   * from the first answers.
   */
  lengths(queues: readonly string[]): Promise<ReadonlyMap<string, number | Error>>;
}

export interface Subscription {
  close(): Promise<void>;
}

/** A message that came by {@link Bus}. */
export interface BusMessage {
  readonly message: Message;
  readonly routingKey: string;
}

/**
 * What reaches everybody: events and remote control. Nothing is stored, nothing is acknowledged.
 * Sources: kombu/pidbox.py, celery/events, and kombu/transport/redis.py for the channel names.
 */
export interface Bus {
  /** Sends to every subscriber of the exchange. `celeryev` is a topic exchange on AMQP and fan-out on Redis; `celery.pidbox` fan-out. */
  broadcast(exchange: string, routingKey: string, message: Message): Promise<void>;
  /** Subscribes with a queue of our own (exclusive, expiring). `binding` is a topic pattern, '' for fan-out. Survives reconnects. */
  subscribe(
    source: { readonly exchange: string; readonly type: 'topic' | 'fanout'; readonly binding: string; readonly queue: string },
    onMessage: (message: BusMessage) => void,
  ): Promise<Subscription>;
  /** Answers a remote control request: to the direct exchange `exchange` with `routingKey`. */
  reply(exchange: string, routingKey: string, message: Message): Promise<void>;
  /** Opens `<key>.reply.celery.pidbox` for answers to our own requests. */
  openReplies(key: string, onMessage: (message: BusMessage) => void): Promise<Subscription>;
}

/** What a transport can do beyond the interface. */
export interface TransportTraits {
  /** `redis`, `amqp` or `memory`. */
  readonly name: string;
  /** Virtual host or database, for display. */
  readonly virtualHost: string;
  readonly hostname: string;
  readonly port: number;
  readonly userid: string | null;
  /** The priority a message without one has; null where the broker leaves it unset. */
  readonly defaultPriority: number | null;
}

/**
 * A broker. Nothing connects before the first use; every operation rejects with a CeleriacError after `close`.
 * Publishing resolves when the broker has the message (Redis: reply; AMQP: confirm), and rejects with CELERIAC_E_PUBLISH (not taken)
 * or CELERIAC_E_PUBLISH_UNCERTAIN (the same id may be sent again) otherwise. Publications of one turn of the event loop travel together.
 */
export interface Transport {
  readonly traits: TransportTraits;
  publish(publication: Publication): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  readonly queues: QueueAdmin;
  readonly quarantine: Quarantine;
  readonly bus: Bus;
  close(): Promise<void>;
}

/** Options every transport understands. */
export interface TransportOptions {
  /** As Celery's broker_url. May hold a password; never logged. */
  readonly url: string;
  /** Celery's `broker_transport_options` in camelCase: `globalKeyprefix`, `visibilityTimeout` (s), `queueOrderStrategy`, `sep`, `prioritySteps`, `masterName`, ... */
  readonly transportOptions?: Readonly<Record<string, unknown>>;
  readonly logger?: Logger;
  /** Refuses what would otherwise be a loud warning, such as an evicting Redis. Default false. */
  readonly strict?: boolean;
  /** How long one publish may take before it rejects. Default 15,000. */
  readonly publishTimeoutMs?: number;
}
