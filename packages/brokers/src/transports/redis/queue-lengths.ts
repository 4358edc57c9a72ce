import { brokerError, type RedisHub } from './redis-hub.ts';
import { SUM_LENGTHS } from './scripts/depth-script.ts';

/** Ready messages of each queue, over all priorities, or what Redis said instead; in the order of the names. */
export type ReadLengths = (names: readonly string[]) => Promise<readonly (number | Error)[]>;

/** How many queues one script sums: Redis serves nobody else meanwhile. */
const QUEUES_PER_SCRIPT = 500;
/** With CLIENT TRACKING on, Redis 7 notes all keys of a script at each command of it: 500 queues took it half a second. */
const QUEUES_PER_TRACKED_SCRIPT = 1;

/** Reads lengths by scripts; with CLIENT TRACKING on, that arms it for these queues. Rejects where Redis does not answer. */
export function createReadLengths(hub: RedisHub): ReadLengths {
  const { keys } = hub;
  const each = keys.prioritySteps.length;
  const readSome = async (names: readonly string[]): Promise<(number | Error)[]> => {
    const sums = await hub.run(
      SUM_LENGTHS,
      names.flatMap((name) => keys.buckets(name)),
      [each],
    );
    return (sums as (number | Buffer)[]).map((sum) => (typeof sum === 'number' ? sum : refusal(sum.toString())));
  };
  return async (names) => {
    const size = hub.isTracking ? QUEUES_PER_TRACKED_SCRIPT : QUEUES_PER_SCRIPT;
    const chunks: (readonly string[])[] = [];
    for (let at = 0; at < names.length; at += size) chunks.push(names.slice(at, at + size));
    return (await Promise.all(chunks.map(readSome))).flat();
  };
}

function refusal(text: string): Error {
  return brokerError(Object.assign(new Error(text), { name: 'ReplyError' }));
}
