import type { Delivery } from '@celeriac/brokers';
import type { Request } from '@celeriac/protocol';
import type { MessageEnd } from '../outcome/settlement.ts';
import type { Attempt } from './attempt.ts';

/** Ends whose acknowledgement did not arrive, kept so that their redelivery is not run a second time. */
const MAX_ENDS = 10_000;

/** A delivery of a task id that is in hand already. */
export interface Twin {
  readonly delivery: Delivery;
  readonly request: Request;
}

/** Everything this worker has in hand, by task id: at most one attempt of an id is worked on at a time. */
export class Hand {
  readonly #byId = new Map<string, Attempt>();
  readonly #twins = new Map<string, Twin[]>();
  readonly #ends = new Map<string, MessageEnd>();
  /** What has begun and not ended. At most one for each slot, plus what a child reports in one go. */
  readonly running: Set<Attempt> = new Set();
  #twinCount = 0;

  get(taskId: string): Attempt | undefined {
    return this.#byId.get(taskId);
  }

  add(attempt: Attempt): void {
    this.#byId.set(attempt.request.id, attempt);
  }

  /** Keeps a further delivery of an id until the attempt in hand has ended. */
  addTwin(twin: Twin): void {
    const others = this.#twins.get(twin.request.id);
    if (others === undefined) this.#twins.set(twin.request.id, [twin]);
    else others.push(twin);
    this.#twinCount += 1;
  }

  /** Takes an attempt out of the hand; returns the deliveries of its id that waited for its end. */
  remove(attempt: Attempt): readonly Twin[] {
    const id = attempt.request.id;
    this.running.delete(attempt);
    if (this.#byId.get(id) === attempt) this.#byId.delete(id);
    if (this.#twinCount === 0) return [];
    const twins = this.#twins.get(id);
    if (twins === undefined) return [];
    this.#twins.delete(id);
    this.#twinCount -= twins.length;
    return twins;
  }

  /** Takes out every twin that fits. */
  removeTwins(fits: (twin: Twin) => boolean): Twin[] {
    const taken: Twin[] = [];
    for (const [id, twins] of this.#twins) {
      const left = twins.filter((twin) => !fits(twin));
      taken.push(...twins.filter(fits));
      if (left.length === 0) this.#twins.delete(id);
      else this.#twins.set(id, left);
    }
    this.#twinCount -= taken.length;
    return taken;
  }

  /** Remembers how an attempt ended whose claim was lost before it could be settled. */
  rememberEnd(request: Request, ending: MessageEnd): void {
    const key = endKey(request);
    this.#ends.delete(key);
    this.#ends.set(key, ending);
    if (this.#ends.size <= MAX_ENDS) return;
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest);
      return;
    }
  }

  /** How this very attempt ended here before, once. */
  takeEnd(request: Request): MessageEnd | undefined {
    if (this.#ends.size === 0) return undefined;
    const key = endKey(request);
    const ending = this.#ends.get(key);
    if (ending !== undefined) this.#ends.delete(key);
    return ending;
  }

  all(): IterableIterator<Attempt> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  get twinCount(): number {
    return this.#twinCount;
  }
}

/** A retry has the id of the attempt before it, and is another attempt. */
function endKey(request: Request): string {
  return `${request.retries} ${request.id}`;
}
