import type { Quarantine, QuarantineEntry } from '../transport.ts';
import { brokerError, type RedisHub } from './redis-hub.ts';
import { LEAVE_QUARANTINE } from './scripts/settle-scripts.ts';

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
      const [pairs] = (await hub.pipeline([['zrange', place.index, 0, limit - 1, 'WITHSCORES']])) as [string[]];
      const found = pairs.filter((_, index) => index % 2 === 0);
      const stored = await Promise.all(found.map((key) => read(queue, key)));
      return stored.flatMap((each) => (each === undefined ? [] : [each.entry]));
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
    async drop(queue, key) {
      const place = keys.quarantine(queue);
      return (await hub.run(LEAVE_QUARANTINE, [place.entries, place.index, place.counts], [key])) === 1;
    },
  };
}

interface StoredEntry {
  readonly entry: QuarantineEntry;
  readonly original: Uint8Array;
  readonly bucket: string | undefined;
}

function parseEntry(queue: string, key: string, text: Buffer, quarantinedAtMs: number): StoredEntry {
  const lineEnd = text.indexOf(10);
  const original = text.subarray(lineEnd + 1);
  let head: Record<string, unknown> = {};
  try {
    head = JSON.parse(text.toString('utf8', 0, lineEnd)) as Record<string, unknown>;
  } catch {
    // Somebody else wrote it: shown as it is.
  }
  const textOf = (name: string): string | null => (typeof head[name] === 'string' ? head[name] : null);
  return {
    entry: {
      key,
      queue,
      code: textOf('code') ?? 'unknown',
      reason: textOf('reason') ?? '',
      quarantinedAtMs,
      taskId: textOf('taskId'),
      taskName: textOf('taskName'),
      sizeBytes: original.length,
    },
    original,
    bucket: textOf('bucket') ?? undefined,
  };
}
