import type { Quarantine, QuarantineEntry } from '../transport.ts';
import { brokerError, type RedisHub } from './redis-hub.ts';
import { LEAVE_QUARANTINE, LIST_QUARANTINE } from './scripts/settle-scripts.ts';

/** As many as there can be. */
const MAX_LISTED = 10_000;

/** `<queue>.quarantine`: a hash of key to a line of JSON and the message, `.index` by time, `.counts` with `bytes` and `dropped`. */
export function createQuarantine(hub: RedisHub): Quarantine {
  const { keys } = hub;

  async function read(queue: string, key: string): Promise<StoredEntry | undefined> {
    const place = keys.quarantine(queue);
    try {
      const client = await hub.commands.use(hub.timeoutMs);
      const [text, score] = await Promise.all([client.hgetBuffer(place.entries, key), client.zscore(place.index, key)]);
      return text === null ? undefined : parseEntry(queue, key, text, Number(score ?? 0));
    } catch (error) {
      throw brokerError(error, hub.isClosed);
    }
  }

  return {
    async list(queue, limit) {
      const place = keys.quarantine(queue);
      if (limit <= 0) return [];
      const listed = (await hub.run(LIST_QUARANTINE, [place.entries, place.index], [Math.min(limit, MAX_LISTED)])) as readonly Listed[];
      return listed.map(([key, score, head, sizeBytes]) => entryOf(queue, String(key), Number(score), parseHead(head), sizeBytes));
    },
    async show(queue, key) {
      const stored = await read(queue, key);
      return stored === undefined ? undefined : { entry: stored.entry, original: stored.original };
    },
    async retry(queue, key) {
      const stored = await read(queue, key);
      if (stored === undefined) return false;
      const place = keys.quarantine(queue);
      const bucket = stored.bucket ?? keys.bucketFor(queue, undefined);
      return (await hub.run(LEAVE_QUARANTINE, [place.entries, place.index, place.counts, bucket], [key])) === 1;
    },
    async lengths(queues) {
      try {
        const client = await hub.commands.use(hub.timeoutMs);
        const counts = await Promise.allSettled(queues.map((queue) => client.hlen(keys.quarantine(queue).entries)));
        return new Map(
          counts.map((count, index): [string, number | Error] => {
            const queue = queues[index] ?? '';
            return [queue, count.status === 'fulfilled' ? count.value : brokerError(count.reason, hub.isClosed)];
          }),
        );
      } catch (error) {
        throw brokerError(error, hub.isClosed);
      }
    },
    async drop(queue, key) {
      const place = keys.quarantine(queue);
      return (await hub.run(LEAVE_QUARANTINE, [place.entries, place.index, place.counts], [key])) === 1;
    },
  };
}

type Head = Readonly<Record<string, unknown>>;
type Listed = readonly [key: Buffer, score: Buffer, head: Buffer, sizeBytes: number];

interface StoredEntry {
  readonly entry: QuarantineEntry;
  readonly original: Uint8Array;
  readonly bucket: string | undefined;
}

function parseEntry(queue: string, key: string, text: Buffer, quarantinedAtMs: number): StoredEntry {
  const lineEnd = text.indexOf(10);
  const original = text.subarray(lineEnd + 1);
  const head = parseHead(text.subarray(0, Math.max(0, lineEnd)));
  const entry = entryOf(queue, key, quarantinedAtMs, head, original.length);
  return { entry, original, bucket: textOf(head, 'bucket') ?? undefined };
}

function entryOf(queue: string, key: string, quarantinedAtMs: number, head: Head, sizeBytes: number): QuarantineEntry {
  return {
    ...{ key, queue },
    code: textOf(head, 'code') ?? 'unknown',
    reason: textOf(head, 'reason') ?? '',
    quarantinedAtMs,
    taskId: textOf(head, 'taskId'),
    taskName: textOf(head, 'taskName'),
    sizeBytes,
  };
}

/** Somebody else may have written it: then it is shown as it is. */
function parseHead(line: Buffer): Head {
  try {
    const head: unknown = JSON.parse(line.toString('utf8'));
    return typeof head === 'object' && head !== null ? (head as Head) : {};
  } catch {
    return {};
  }
}

function textOf(head: Head, name: string): string | null {
  const value = head[name];
  return typeof value === 'string' ? value : null;
}
