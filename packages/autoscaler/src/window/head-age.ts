/** Tasks that arrived at about one moment. */
interface Batch {
  readonly atMs: number;
  readonly tasks: number;
}

/** What is known of one queue's order: its waiting tasks by when they were first seen. Plain data. */
export interface QueueHead {
  /** Oldest first; their tasks add up to the depth. */
  readonly batches: readonly Batch[];
  /** Tasks that left the queue and that no worker has reported yet. */
  readonly unreported: number;
}

/** An empty queue. */
export const emptyHead: QueueHead = { batches: [], unreported: 0 };

/** More batches than this are merged, the youngest two first: what the head shows stays exact. */
const MOST_BATCHES = 12;

/**
 * A first-in-first-out queue after one more look at its depth. Its head is as old as the moment at which as many tasks had arrived as
 * have left by now; no message needs to say when it was published.
 * @param ready its depth
 * @param taken tasks that workers say they took from it since the last look
 */
export function followHead(head: QueueHead, atMs: number, ready: number, taken: number): QueueHead {
  if (ready === 0) return emptyHead;
  const before = head.batches.reduce((sum, batch) => sum + batch.tasks, 0);
  // A worker's word comes a heartbeat late: what was seen to leave is not taken a second time.
  const known = Math.min(taken, head.unreported);
  const left = Math.max(taken - known, before - ready, 0);
  const unreported = head.unreported - known + Math.max(0, left - (taken - known));
  // Who came and left between two looks never waited.
  const arrived = Math.max(0, ready - before + Math.min(left, before));
  const kept = without(head.batches, left);
  const batches = arrived === 0 ? kept : [...kept, { atMs, tasks: arrived }];
  return { batches: batches.length > MOST_BATCHES ? merged(batches) : batches, unreported };
}

/** How long the oldest waiting task has waited at least, ms; null where none waits. */
export function headAgeMs(head: QueueHead, nowMs: number): number | null {
  const [oldest] = head.batches;
  return oldest === undefined ? null : Math.max(0, nowMs - oldest.atMs);
}

function without(batches: readonly Batch[], tasks: number): readonly Batch[] {
  let left = tasks;
  return batches.flatMap((batch) => {
    const gone = Math.min(left, batch.tasks);
    left -= gone;
    return gone === batch.tasks ? [] : [{ atMs: batch.atMs, tasks: batch.tasks - gone }];
  });
}

function merged(batches: readonly Batch[]): readonly Batch[] {
  const [last, earlier] = [batches.at(-1), batches.at(-2)] as [Batch, Batch];
  return [...batches.slice(0, -2), { atMs: earlier.atMs, tasks: earlier.tasks + last.tasks }];
}
