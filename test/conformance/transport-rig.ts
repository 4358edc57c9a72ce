import type { ConsumeOptions, Consumer, ConsumerEvent, Delivery, QueueDeclaration, Transport, TransportOptions } from '@celeriac/brokers';
import { type ErrorCode, isCeleriacError, type Message } from '@celeriac/protocol';
import { expect } from 'vitest';
import { until } from '../until.ts';

/** One broker for one test, and what the suite has to know of its kind. */
export interface TransportRig {
  /** A new transport on the rig's broker; the rig closes it at `stop`. */
  create(options?: Partial<TransportOptions>): Transport;
  /** Breaks the connections of every transport made so far; they can connect again at once. */
  breakConnections(): void | Promise<void>;
  /** Puts something into the queue that is no message, and says which code the refusal must have. */
  putUnreadable(queue: QueueDeclaration): Promise<ErrorCode>;
  readonly traits: {
    /** Which priority goes first, and what a queue must be declared with; null where there are none. */
    readonly priorities: { readonly first: 'highest' | 'lowest'; readonly arguments: Readonly<Record<string, unknown>> } | null;
    /** Whether a message that no queue takes is refused. */
    readonly refusesUnroutable: boolean;
    /** Whether a broken connection gives the held messages back; false where claims outlive connections. */
    readonly breakLosesClaims: boolean;
    /** `exact`: as they happened; `bounded`: never fewer; `child`: only those told by `requeue({ lost: true })`. */
    readonly losses: 'exact' | 'bounded' | 'child';
    /** Whether what is given back may be handed out after what is younger; default false. */
    readonly requeuesAnywhere?: boolean;
    /** How much earlier than due a parked message may come. */
    readonly parkEarlyMs: number;
    /** How far the sum over several queues may exceed the credit. */
    readonly creditSlack: number;
  };
  stop(): Promise<void>;
}

/** Collects what a consumer is handed. */
export interface Inbox {
  readonly deliveries: Delivery[];
  readonly events: ConsumerEvent[];
  /** Resolves with all deliveries so far when there are at least `count`. */
  atLeast(count: number): Promise<readonly Delivery[]>;
  /** Resolves when an event of the kind has come since the last call for that kind. */
  event(kind: ConsumerEvent['kind']): Promise<void>;
  readonly options: Pick<ConsumeOptions, 'onDeliveries' | 'onEvent'>;
}

/** `onEach` sees every delivery as it comes, for example to settle it. */
export function createInbox(onEach?: (delivery: Delivery) => void): Inbox {
  const deliveries: Delivery[] = [];
  const events: ConsumerEvent[] = [];
  const seen = new Map<ConsumerEvent['kind'], number>();
  const waits = new Set<() => void>();
  const when = (met: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!met()) return;
        waits.delete(look);
        resolve();
      };
      waits.add(look);
      look();
    });
  const wake = (): void => {
    for (const look of [...waits]) look();
  };
  return {
    deliveries,
    events,
    atLeast: async (count) => {
      await when(() => deliveries.length >= count);
      return deliveries;
    },
    event: async (kind) => {
      const count = (seen.get(kind) ?? 0) + 1;
      seen.set(kind, count);
      await when(() => events.filter((event) => event.kind === kind).length >= count);
    },
    options: {
      onDeliveries(batch) {
        deliveries.push(...batch);
        if (onEach !== undefined) for (const delivery of batch) onEach(delivery);
        wake();
      },
      onEvent(event) {
        events.push(event);
        wake();
      },
    },
  };
}

let counter = 0;

/** A queue name no other test uses. */
export function freshQueue(stem = 'q', args?: Readonly<Record<string, unknown>>): QueueDeclaration {
  const name = `${stem}-${process.pid}-${++counter}`;
  return args === undefined ? { name } : { name, arguments: args };
}

/** A task message as Celery sends it; `id` tells the messages of a test apart. */
export function taskMessage(id: string, overrides: Partial<Message> = {}): Message {
  return {
    headers: {
      lang: 'py',
      task: 'tasks.add',
      id,
      shadow: null,
      eta: null,
      expires: null,
      group: null,
      group_index: null,
      retries: 0,
      timelimit: [null, null],
      root_id: id,
      parent_id: null,
      argsrepr: '(1, 2)',
      kwargsrepr: '{}',
      origin: 'gen1@host',
      ignore_result: false,
      replaced_task_nesting: 0,
      stamped_headers: null,
      stamps: {},
    },
    properties: { correlationId: id, replyTo: 'c0ffee00-0000-3000-8000-000000000000', deliveryMode: 2 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from('[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'),
    ...overrides,
  };
}

/** Publishes one message per id to the queue, all in one turn. */
export async function publishAll(transport: Transport, queue: QueueDeclaration, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => transport.publish({ message: taskMessage(id), exchange: '', routingKey: queue.name, queue })));
}

export function consume(
  transport: Transport,
  inbox: Inbox,
  queues: readonly QueueDeclaration[],
  more: Partial<ConsumeOptions> = {},
): Promise<Consumer> {
  return transport.consume({ queues, owner: `celery@test/${++counter}`, credit: 10, startsAtOnce: () => 0, ...inbox.options, ...more });
}

/** The id of a readable delivery. */
export function idOf(delivery: Delivery | undefined): string {
  if (delivery?.content.kind !== 'message') throw new Error(`not a message: ${JSON.stringify(delivery?.content)}`);
  return String(delivery.content.message.headers.id);
}

export function ids(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(idOf);
}

/** The names `stem-0` to `stem-(count-1)`. */
export function numbered(stem: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${stem}-${index}`);
}

export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  );
  expect(isCeleriacError(error, code), `expected ${code}, got ${String(error)}`).toBe(true);
}

/** Waits until the broker counts so many ready messages. */
export async function expectDepth(transport: Transport, queue: QueueDeclaration, depth: number): Promise<void> {
  await until(async () => (await transport.queues.depth(queue.name)) === depth, { what: `a depth of ${depth} in ${queue.name}` });
}

/** A message there and back through a queue of its own: whatever was on its way before has arrived by then. */
export async function roundTrip(transport: Transport): Promise<void> {
  const queue = freshQueue('fence');
  const inbox = createInbox((delivery) => void delivery.ack());
  const consumer = await consume(transport, inbox, [queue]);
  await publishAll(transport, queue, ['fence']);
  await inbox.atLeast(1);
  await consumer.close();
}
