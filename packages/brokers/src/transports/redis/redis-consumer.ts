import { CeleriacError } from '@celeriac/protocol';
import type { ConsumeOptions, Consumer, QueueDeclaration } from '../transport.ts';
import type { Bindings } from './bindings.ts';
import type { ClaimSweeper } from './claim-sweeper.ts';
import { type Claimer, createClaimer } from './claimer.ts';
import type { DueMover } from './due-mover.ts';
import { createOwnerLease, type OwnerLease, refreshClaims } from './owner-lease.ts';
import { createQueueCycle, type QueueCycle } from './queue-cycle.ts';
import { isErrorReply } from './redis-connection.ts';
import { type ClaimedMessage, type ClaimHolder, RedisDelivery, type Settlement } from './redis-delivery.ts';
import { brokerError, type RedisHub } from './redis-hub.ts';
import { CLAIM } from './scripts/claim-scripts.ts';
import { ACK, GIVE_BACK, PARK, QUARANTINE, START } from './scripts/settle-scripts.ts';
import { createSettler, type Settler } from './settler.ts';

const SCRIPTS = [CLAIM, ACK, START, GIVE_BACK, PARK, QUARANTINE];
const RESUME_AGAIN_MS = 1_000;
/** A third of the shortest life of a binding. */
const BIND_AGAIN_MS = 20 * 60_000;
/** How often the queues are looked at without any news; without client tracking between these two. */
const FLOOR_MS = 1_000;
const POLL_MIN_MS = 20;
const POLL_MAX_MS = 500;

export interface ConsumerParts {
  readonly hub: RedisHub;
  readonly bindings: Bindings;
  readonly dueMover: DueMover;
  readonly sweeper: ClaimSweeper;
  /** Called when it has ended for good. */
  readonly onEnd: (consumer: RedisConsumer) => void;
}

/** Takes messages in batches whenever there is credit and reason to believe that there are some. */
export class RedisConsumer implements Consumer, ClaimHolder {
  readonly #options: ConsumeOptions;
  readonly #parts: ConsumerParts;
  readonly #queues: QueueCycle;
  readonly #held = new Set<RedisDelivery>();
  /** How to stop what brings messages, and what keeps the held ones. */
  readonly #stopTaking: (() => void)[] = [];
  readonly #stopHolding: (() => void)[] = [];
  #lease: OwnerLease;
  #claimer: Claimer;
  #settler: Settler;
  /** Owners whose lease has ended. */
  readonly #former: { readonly lease: OwnerLease; readonly settler: Settler }[] = [];
  #credit: number;
  #state: 'open' | 'closed' | 'ended' = 'open';
  /** The last claim found less than it asked for, and nothing has happened since. */
  #isDry = false;
  #isResumed = false;
  #claiming: Promise<void> | undefined;
  #turn: NodeJS.Immediate | undefined;
  #poll: NodeJS.Timeout | undefined;
  #pollMs = POLL_MIN_MS;
  #refreshedAtMs = performance.now();
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConsumeOptions, parts: ConsumerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#credit = options.credit;
    this.#queues = createQueueCycle(parts.hub.keys.queueOrder);
    [this.#lease, this.#claimer, this.#settler] = this.#newOwner();
  }

  get queues(): readonly QueueDeclaration[] {
    return this.#queues.queues;
  }

  /** Connects, declares and begins. */
  async open(): Promise<void> {
    const { hub, bindings, dueMover, sweeper } = this.#parts;
    await bindings.declare(this.#options.queues);
    await hub.load(SCRIPTS);
    await this.#lease.register();
    for (const queue of this.#options.queues) this.#queues.add(queue);
    this.#isResumed = true;
    const renewals = setInterval(() => void this.#renew(), hub.keys.leaseMs / 4);
    const rebinds = setInterval(() => void bindings.keepExpiring(this.queues), BIND_AGAIN_MS);
    this.#stopHolding.push(
      hub.onUp(() => void this.#resume()),
      hub.onDown((error) => {
        this.#isResumed = false;
        this.#options.onEvent({ kind: 'disconnected', error });
      }),
      () => clearInterval(renewals),
      () => clearInterval(rebinds),
    );
    this.#stopTaking.push(
      hub.track((key) => this.#onNews(key)),
      dueMover.start(() => this.#wake()),
      sweeper.start(),
    );
    this.#options.onEvent({ kind: 'connected' });
    this.#wake();
  }

  setCredit(count: number): void {
    this.#credit = count;
    this.#schedule();
  }

  async addQueue(queue: QueueDeclaration): Promise<void> {
    if (this.#state !== 'open') throw new CeleriacError('CELERIAC_E_CLOSED', 'the consumer is closed');
    await this.#parts.bindings.declare([queue]);
    this.#queues.add(queue);
    this.#wake();
  }

  async cancelQueue(name: string): Promise<void> {
    this.#queues.remove(name);
    await this.#claiming;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed';
      clearImmediate(this.#turn);
      clearTimeout(this.#poll);
      for (const stop of this.#stopTaking) stop();
    }
    await this.#claiming;
    void this.#endIfDone();
  }

  /** For the transport's close: settles what was asked for and gives up the rest. */
  async end(): Promise<void> {
    await this.close();
    for (const settler of [...this.#former.map((former) => former.settler), this.#settler]) await settler.idle();
    await this.#finish();
    for (const delivery of this.#held) delivery.lose();
    this.#held.clear();
  }

  settle(delivery: RedisDelivery, settlement: Settlement): Promise<void> {
    const settled = this.#settlerOf(delivery).add(delivery, settlement);
    this.#held.delete(delivery);
    if (settlement.kind === 'give-back') this.#isDry = false;
    if (settlement.kind === 'park')
      settled.then(
        () => this.#parts.dueMover.expect(settlement.dueAtMs),
        () => {},
      );
    if (this.#state === 'open') this.#schedule();
    else
      settled.then(
        () => this.#endIfDone(),
        () => this.#endIfDone(),
      );
    return settled;
  }

  start(delivery: RedisDelivery): Promise<void> {
    return this.#settlerOf(delivery).add(delivery, { kind: 'start' });
  }

  #settlerOf(delivery: RedisDelivery): Settler {
    const { tag } = delivery.claim;
    if (tag.startsWith(this.#lease.tagBase)) return this.#settler;
    return this.#former.find(({ lease }) => tag.startsWith(lease.tagBase))?.settler ?? this.#settler;
  }

  #newOwner(): [OwnerLease, Claimer, Settler] {
    const { hub } = this.#parts;
    const lease = createOwnerLease(hub, this.#options.owner);
    const settler = createSettler({
      hub,
      claimsKey: lease.claimsKey,
      isLeaseLost: () => lease.isLost,
      onDropped: (queue, count) => hub.settings.logger.warn({ queue, count }, 'the quarantine is full: its oldest entries were dropped'),
    });
    return [lease, createClaimer(hub, lease), settler];
  }

  #onNews(key: string | null): void {
    if (key === null) {
      this.#wake();
      return;
    }
    if (this.#queues.order().some((name) => key.startsWith(this.#parts.hub.keys.prefix + name))) this.#wake();
  }

  #wake(): void {
    this.#isDry = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#state !== 'open' || this.#isDry || this.#claiming !== undefined || this.#held.size >= this.#credit) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#claim();
    });
  }

  #claim(): void {
    const credit = this.#credit - this.#held.size;
    if (this.#state !== 'open' || !this.#isResumed || credit <= 0 || this.#queues.size === 0 || this.#claiming !== undefined) return;
    this.#isDry = true;
    clearTimeout(this.#poll);
    const order = this.#queues.order();
    const startsAtOnce = Math.max(0, Math.min(credit, Math.floor(this.#options.startsAtOnce())));
    this.#claiming = this.#claimFrom(order, credit, startsAtOnce)
      .catch((error: unknown) => {
        if (isErrorReply(error)) this.#complain(brokerError(error));
      })
      .finally(() => {
        this.#claiming = undefined;
        this.#pollLater();
        this.#schedule();
      });
  }

  async #claimFrom(order: readonly string[], credit: number, startsAtOnce: number): Promise<void> {
    const claimer = this.#claimer;
    const result = await claimer.claim(order, credit, startsAtOnce);
    if (result.wrongKey !== null) {
      this.#complain(new CeleriacError('CELERIAC_E_BROKER', `the key ${result.wrongKey} of a queue does not hold a list`));
    }
    if (result.isLeaseLost) {
      await this.#replaceOwner();
      return;
    }
    if (!result.isShort) this.#isDry = false;
    if (result.messages.length > 0) this.#pollMs = POLL_MIN_MS;
    this.#deliver(result.messages);
  }

  #deliver(messages: readonly ClaimedMessage[]): void {
    const wanted: RedisDelivery[] = [];
    for (const message of messages) {
      const delivery = new RedisDelivery(message, this);
      this.#held.add(delivery);
      if (this.#state === 'open' && this.#queues.has(message.queue)) wanted.push(delivery);
      // It came too late for anyone to see it.
      else void this.settle(delivery, { kind: 'give-back', redeliveries: 0, losses: 0 });
      this.#queues.served(message.queue);
    }
    if (wanted.length > 0) this.#options.onDeliveries(wanted);
  }

  /** News may get lost with a connection, and without client tracking there are none. */
  #pollLater(): void {
    if (this.#state !== 'open') return;
    clearTimeout(this.#poll);
    const delayMs = this.#parts.hub.isTracking ? FLOOR_MS : this.#pollMs;
    this.#pollMs = Math.min(POLL_MAX_MS, this.#pollMs * 1.5);
    this.#poll = setTimeout(() => this.#wake(), delayMs);
  }

  async #renew(): Promise<void> {
    const { hub } = this.#parts;
    if (!this.#isResumed || hub.commands.current === undefined) return;
    try {
      if (!(await this.#lease.renew())) {
        await this.#replaceOwner();
        return;
      }
      if (performance.now() - this.#refreshedAtMs < Math.min(60_000, hub.keys.visibilityTimeoutMs / 3)) return;
      this.#refreshedAtMs = performance.now();
      await refreshClaims(
        hub,
        [...this.#held].map(({ claim }) => claim.tag),
      );
    } catch (error) {
      if (!hub.isClosed) hub.settings.logger.debug({ error: String(error) }, 'the lease of the claims could not be renewed');
    }
  }

  /** After a reconnection: is the lease still ours, and did a claim's answer get lost? */
  async #resume(): Promise<void> {
    try {
      await this.#claiming;
      await this.#parts.hub.load(SCRIPTS);
      if (!(await this.#lease.renew())) await this.#replaceOwner();
      else if (this.#claimer.isUnsure) this.#deliver(await this.#claimer.adopt());
    } catch {
      // Where the connection is gone again, the next one comes here.
      if (this.#parts.hub.commands.current !== undefined && this.#state !== 'ended') setTimeout(() => void this.#resume(), RESUME_AGAIN_MS);
      return;
    }
    this.#isResumed = true;
    if (this.#state !== 'open') return;
    this.#options.onEvent({ kind: 'connected' });
    this.#wake();
  }

  /** The lease has ended: what is held belongs to others now. A new owner goes on. */
  async #replaceOwner(): Promise<void> {
    this.#lease.lose();
    const lost = [...this.#held];
    this.#held.clear();
    for (const delivery of lost) delivery.lose();
    this.#former.push({ lease: this.#lease, settler: this.#settler });
    [this.#lease, this.#claimer, this.#settler] = this.#newOwner();
    const error = new CeleriacError('CELERIAC_E_CONNECTION', `the lease of the claims had ended; ${lost.length} claims are lost`, {
      data: { lost: lost.length },
    });
    this.#options.onEvent({ kind: 'problem', error });
    await this.#lease.register();
    this.#wake();
  }

  #complain(error: Error): void {
    const nowMs = performance.now();
    if (nowMs - this.#complainedAtMs < 10_000) return;
    this.#complainedAtMs = nowMs;
    this.#options.onEvent({ kind: 'problem', error });
  }

  async #endIfDone(): Promise<void> {
    if (this.#state !== 'closed' || this.#held.size > 0) return;
    await this.#settler.idle();
    if (this.#held.size === 0) await this.#finish();
  }

  async #finish(): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    for (const stop of this.#stopHolding) stop();
    if (!this.#parts.hub.isClosed && this.#parts.hub.commands.current !== undefined) await this.#lease.end().catch(() => {});
    this.#parts.onEnd(this);
  }
}
