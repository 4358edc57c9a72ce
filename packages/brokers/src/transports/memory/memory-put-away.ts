import { randomUUID } from 'node:crypto';
import type { QuarantineReason } from '../delivery.ts';
import type { Quarantine } from '../transport.ts';
import type { MemoryBroker, StoredMessage } from './memory-broker.ts';

const QUARANTINE_CAP = 10_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Keeps a message out of its queue until it is due. The timer does not keep the process alive. */
export function parkStored(broker: MemoryBroker, queue: string, stored: StoredMessage, dueMs: number): void {
  const entry = { dueMs };
  broker.parkedDueMs.add(entry);
  const wait = (): void => {
    const leftMs = dueMs - Date.now();
    if (leftMs > 0) {
      setTimeout(wait, Math.min(leftMs, MAX_TIMER_MS)).unref();
      return;
    }
    broker.parkedDueMs.delete(entry);
    broker.append(queue, { ...stored, redelivered: false });
  };
  wait();
}

/** Puts a message away with its reason; the oldest goes when the cap is reached. */
export function quarantineStored(broker: MemoryBroker, queue: string, stored: StoredMessage, reason: QuarantineReason): void {
  const shelf = broker.quarantined.get(queue) ?? [];
  broker.quarantined.set(queue, shelf);
  if (shelf.length >= QUARANTINE_CAP) shelf.shift();
  const { headers, body } = stored.message;
  const entry = {
    key: randomUUID(),
    queue,
    code: reason.code,
    reason: reason.reason,
    quarantinedAtMs: Date.now(),
    taskId: typeof headers.id === 'string' ? headers.id : null,
    taskName: typeof headers.task === 'string' ? headers.task : null,
    sizeBytes: body.byteLength,
  };
  shelf.push({ entry, stored });
}

/** `original` is JSON: headers, properties, content type and encoding, body in base64. */
export function createMemoryQuarantine(broker: MemoryBroker, whenOpen: <T>(action: () => T) => Promise<T>): Quarantine {
  const find = (queue: string, key: string) => broker.quarantined.get(queue)?.find(({ entry }) => entry.key === key);
  const remove = (queue: string, key: string) => {
    const found = find(queue, key);
    if (found !== undefined) broker.quarantined.set(queue, broker.quarantined.get(queue)?.filter((other) => other !== found) ?? []);
    return found;
  };
  return {
    list: (queue, limit) => whenOpen(() => (broker.quarantined.get(queue) ?? []).slice(0, limit).map(({ entry }) => entry)),
    show: (queue, key) =>
      whenOpen(() => {
        const found = find(queue, key);
        if (found === undefined) return undefined;
        const { message, exchange, routingKey } = found.stored;
        const text = JSON.stringify({ ...message, body: Buffer.from(message.body).toString('base64'), exchange, routingKey });
        return { entry: found.entry, original: new TextEncoder().encode(text) };
      }),
    retry: (queue, key) =>
      whenOpen(() => {
        const found = remove(queue, key);
        if (found !== undefined) broker.append(queue, { ...found.stored, redelivered: false, losses: 0 });
        return found !== undefined;
      }),
    drop: (queue, key) => whenOpen(() => remove(queue, key) !== undefined),
    lengths: (queues) => whenOpen(() => new Map(queues.map((queue) => [queue, broker.quarantined.get(queue)?.length ?? 0]))),
  };
}
