import { CeleriacError, type Message } from '@celeriac/protocol';
import type { QuarantineEntry, QueueDeclaration } from '../transport.ts';
import { createMemoryExchanges, type MemoryExchanges } from './memory-exchanges.ts';

/** A message as it stands in a queue. `sequence` keeps its place when it is given back. */
export interface StoredMessage {
  readonly message: Message;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly losses: number;
  readonly sequence: number;
}

/** A queue with one lane per priority, the highest first; one lane without `x-max-priority`. */
export interface MemoryQueue {
  readonly declaration: QueueDeclaration;
  readonly lanes: StoredMessage[][];
}

/** What listens to a queue: told when it may hold something, and whether it was empty before. */
export type QueueListener = (queue: string, wasEmpty: boolean) => void;

/** The state that all transports of one `memory://name` share. */
export interface MemoryBroker {
  readonly exchanges: MemoryExchanges;
  readonly queues: ReadonlyMap<string, MemoryQueue>;
  readonly quarantined: Map<string, { readonly entry: QuarantineEntry; readonly stored: StoredMessage }[]>;
  /** Due times (epoch ms) of what is parked. */
  readonly parkedDueMs: Set<{ readonly dueMs: number }>;
  declare(queue: QueueDeclaration): void;
  /** Routes by exchange and key; throws CELERIAC_E_UNROUTABLE where no queue takes it. */
  publish(message: Message, exchange: string, routingKey: string): void;
  /** Puts it at the back of a queue. */
  append(queue: string, stored: Omit<StoredMessage, 'sequence'>): void;
  /** Puts it where it was before it was taken: in front of everything younger. */
  giveBack(queue: string, stored: StoredMessage): void;
  take(queue: string): StoredMessage | undefined;
  listen(listener: QueueListener): () => void;
}

const brokers = new Map<string, MemoryBroker>();

/** The broker of a `memory://name` URL, made at first use; it lives as long as the process. */
export function memoryBroker(url: string): MemoryBroker {
  const broker = brokers.get(url) ?? createMemoryBroker();
  brokers.set(url, broker);
  return broker;
}

function createMemoryBroker(): MemoryBroker {
  const queues = new Map<string, MemoryQueue>();
  const bindings = new Map<string, Map<string, Set<string>>>();
  const listeners = new Set<QueueListener>();
  let nextSequence = 1;

  const laneOf = (queue: MemoryQueue, message: Message): StoredMessage[] => {
    const highest = queue.lanes.length - 1;
    const priority = Math.min(highest, Math.max(0, message.properties.priority ?? 0));
    return queue.lanes[highest - priority] as StoredMessage[];
  };
  const tell = (name: string, wasEmpty: boolean): void => {
    for (const listener of listeners) listener(name, wasEmpty);
  };

  const broker: MemoryBroker = {
    exchanges: createMemoryExchanges(),
    queues,
    quarantined: new Map(),
    parkedDueMs: new Set(),
    declare(declaration) {
      if (queues.has(declaration.name)) return;
      const priorities = Number(declaration.arguments?.['x-max-priority'] ?? 0);
      queues.set(declaration.name, { declaration, lanes: Array.from({ length: priorities + 1 }, () => []) });
      const exchange = declaration.exchange ?? declaration.name;
      const keys = bindings.get(exchange) ?? new Map<string, Set<string>>();
      bindings.set(exchange, keys);
      const key = declaration.routingKey ?? declaration.name;
      const bound = keys.get(key) ?? new Set<string>();
      keys.set(key, bound.add(declaration.name));
    },
    publish(message, exchange, routingKey) {
      const targets = exchange === '' ? (queues.has(routingKey) ? [routingKey] : []) : [...(bindings.get(exchange)?.get(routingKey) ?? [])];
      if (targets.length === 0) {
        throw new CeleriacError('CELERIAC_E_UNROUTABLE', `no queue takes exchange '${exchange}', routing key '${routingKey}'`);
      }
      for (const name of targets) broker.append(name, { message, exchange, routingKey, redelivered: false, losses: 0 });
    },
    append(name, stored) {
      const queue = queues.get(name);
      if (queue === undefined) return;
      const wasEmpty = queueLength(queue) === 0;
      laneOf(queue, stored.message).push({ ...stored, sequence: nextSequence++ });
      tell(name, wasEmpty);
    },
    giveBack(name, stored) {
      const queue = queues.get(name);
      if (queue === undefined) return;
      const wasEmpty = queueLength(queue) === 0;
      const lane = laneOf(queue, stored.message);
      const at = lane.findIndex((other) => other.sequence > stored.sequence);
      lane.splice(at === -1 ? lane.length : at, 0, stored);
      tell(name, wasEmpty);
    },
    take(name) {
      return queues
        .get(name)
        ?.lanes.find((lane) => lane.length > 0)
        ?.shift();
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return broker;
}

/** Messages ready in all lanes. */
export function queueLength(queue: Pick<MemoryQueue, 'lanes'>): number {
  return queue.lanes.reduce((sum, lane) => sum + lane.length, 0);
}
