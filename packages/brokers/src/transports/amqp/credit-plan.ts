/** One basic.consume of a queue: how many it may hold, and how many of its deliveries are unsettled. */
export interface FeedConsumer {
  readonly prefetch: number;
  readonly held: number;
}

/** What to do next: cancel these, or open one with that prefetch, or nothing. */
export type CreditStep<C extends FeedConsumer> =
  | { readonly kind: 'none' }
  | { readonly kind: 'cancel'; readonly consumers: readonly C[] }
  | { readonly kind: 'open'; readonly prefetch: number };

const MAX_CONSUMERS = 4;
const SMALL = 16;
const MAX_PREFETCH = 65_535;

/**
 * RabbitMQ fixes a consumer's prefetch when it begins, and forgets a cancelled consumer's unsettled deliveries. So credit is raised by one more
 * consumer with the difference, and lowered by cancelling; what cancelled consumers left (`orphaned`) counts until it is settled. The sum
 * of prefetches and orphans never exceeds the target by our doing. Above 16, changes under an eighth are left alone.
 */
export function planCredit<C extends FeedConsumer>(target: number, orphaned: number, consumers: readonly C[]): CreditStep<C> {
  const sum = consumers.reduce((total, { prefetch }) => total + prefetch, 0);
  const allowed = Math.max(0, Math.min(MAX_PREFETCH, target) - orphaned);
  const change = allowed - sum;
  if (change === 0) return { kind: 'none' };
  if (sum > 0 && allowed > SMALL && Math.abs(change) < allowed / 8) return { kind: 'none' };
  if (change < 0) return { kind: 'cancel', consumers: toCancel(-change, consumers) };
  if (consumers.length < MAX_CONSUMERS) return { kind: 'open', prefetch: change };
  const smallest = consumers.toSorted((a, b) => a.prefetch - b.prefetch)[0] as C;
  return { kind: 'cancel', consumers: [smallest] };
}

/** The smallest consumer that covers the excess, or else the largest ones until it is covered. */
function toCancel<C extends FeedConsumer>(excess: number, consumers: readonly C[]): readonly C[] {
  const ascending = consumers.toSorted((a, b) => a.prefetch - b.prefetch);
  const one = ascending.find(({ prefetch }) => prefetch >= excess);
  if (one !== undefined) return [one];
  const chosen: C[] = [];
  let left = excess;
  for (const consumer of ascending.toReversed()) {
    if (left <= 0) break;
    chosen.push(consumer);
    left -= consumer.prefetch;
  }
  return chosen;
}

/** One queue as the sharing of the credit sees it. */
export interface CreditShare {
  /** Its share so far; 0 for a new queue. */
  readonly target: number;
  readonly held: number;
}

/**
 * Shares one credit between queues: those that fill their share get what the others do not hold, in equal parts; the others keep a place to
 * wake up by. The sum stays within the credit plus one for each idle queue.
 */
export function shareCredit(credit: number, queues: readonly CreditShare[]): readonly number[] {
  if (credit <= 0 || queues.length === 0) return queues.map(() => 0);
  if (queues.length === 1) return [credit];
  const isBusy = ({ target, held }: CreditShare): boolean => target > 0 && held >= target;
  const busy = queues.filter(isBusy).length;
  if (busy === 0) {
    const equal = Math.floor(credit / queues.length);
    return queues.map((_, index) => Math.max(1, equal + (index < credit % queues.length ? 1 : 0)));
  }
  const heldByOthers = queues.reduce((total, queue) => total + (isBusy(queue) ? 0 : queue.held), 0);
  const free = Math.max(0, credit - heldByOthers);
  let rest = free % busy;
  return queues.map((queue) => {
    if (!isBusy(queue)) return Math.max(1, Math.min(queue.target, queue.held + 1));
    return Math.max(1, Math.floor(free / busy) + (rest-- > 0 ? 1 : 0));
  });
}
