import type { QueueAdmin } from '../transport.ts';
import { asError } from './amqp-link.ts';

/** RabbitMQ writes a line of its log for each question about a queue that is not there, ms. */
const MISSING_AGAIN_MS = 300_000;
/** Questions about queues that were not there, in one call. */
const MISSING_AT_ONCE = 20;

/**
 * How much lies in quarantine queues, by passive declares. One that is missing counts 0 for five minutes, and a few of those are asked
 * for again in one call; the rest stay as they were. One not asked about yet is absent.
 */
export function createQuarantineLengths(
  depth: QueueAdmin['depth'],
  nameOf: (queue: string) => string,
  now: () => number = () => performance.now(),
): (queues: readonly string[]) => Promise<ReadonlyMap<string, number | Error>> {
  const missingSinceMs = new Map<string, number>();
  const there = new Set<string>();

  const ask = async (queue: string): Promise<readonly [string, number | Error]> => {
    try {
      const length = await depth(nameOf(queue));
      if (length === null) {
        there.delete(queue);
        missingSinceMs.set(queue, now());
        return [queue, 0];
      }
      missingSinceMs.delete(queue);
      there.add(queue);
      return [queue, length];
    } catch (error) {
      return [queue, asError(error)];
    }
  };
  return async (queues) => {
    const due = queues
      .filter((queue) => !there.has(queue) && now() - (missingSinceMs.get(queue) ?? Number.NEGATIVE_INFINITY) >= MISSING_AGAIN_MS)
      .toSorted((a, b) => (missingSinceMs.get(a) ?? 0) - (missingSinceMs.get(b) ?? 0))
      .slice(0, MISSING_AT_ONCE);
    const asked = await Promise.all([...queues.filter((queue) => there.has(queue)), ...due].map(ask));
    const known = queues.flatMap((queue) => (missingSinceMs.has(queue) ? [[queue, 0] as const] : []));
    return new Map<string, number | Error>([...known, ...asked]);
  };
}
