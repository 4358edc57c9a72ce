import { CeleriacError } from '@celeriac/protocol';
import type { Delivery } from '../delivery.ts';
import type { ConsumeOptions, Consumer, QueueDeclaration } from '../transport.ts';
import type { MemoryBroker } from './memory-broker.ts';
import { createMemoryDelivery, type MemoryClaim, type Settlements } from './memory-delivery.ts';
import { parkStored, quarantineStored } from './memory-put-away.ts';

/** A consumer whose connection can be broken. */
export interface MemoryConsumer extends Consumer {
  /** Returns everything held, as a broker does when a connection ends, then goes on. */
  breakConnection(): void;
  /** Returns everything held and never takes again. */
  end(): void;
}

/** Hands out messages in rounds over its queues, one round per turn of the event loop. */
export function createMemoryConsumer(broker: MemoryBroker, options: ConsumeOptions, maxBodyBytes: number): MemoryConsumer {
  const queues = new Map<string, QueueDeclaration>();
  const held = new Set<MemoryClaim>();
  let credit = options.credit;
  let state: 'open' | 'closed' | 'ended' = 'open';
  let round: NodeJS.Immediate | undefined;

  const schedule = (): void => {
    if (state === 'open') round ??= setImmediate(deliver);
  };
  const stopListening = broker.listen((queue) => {
    if (queues.has(queue)) schedule();
  });

  const release = (claim: MemoryClaim): void => {
    held.delete(claim);
    schedule();
  };
  const settlements: Settlements = {
    ack: release,
    reject: release,
    requeue(claim, lost) {
      release(claim);
      broker.giveBack(claim.queue, { ...claim.stored, redelivered: true, losses: claim.stored.losses + (lost ? 1 : 0) });
    },
    park(claim, dueAtMs) {
      release(claim);
      parkStored(broker, claim.queue, claim.stored, dueAtMs);
    },
    quarantine(claim, reason) {
      release(claim);
      quarantineStored(broker, claim.queue, claim.stored, reason);
    },
  };

  function takeOne(): MemoryClaim | undefined {
    for (const name of queues.keys()) {
      const stored = broker.take(name);
      if (stored === undefined) continue;
      // The queue served goes to the end of the line, so that a busy one does not starve the others.
      const declaration = queues.get(name) as QueueDeclaration;
      queues.delete(name);
      queues.set(name, declaration);
      return { queue: name, stored, started: false, state: 'held', lost: undefined };
    }
    return undefined;
  }

  function deliver(): void {
    round = undefined;
    const batch: Delivery[] = [];
    let startsAtOnce = state === 'open' && held.size < credit ? options.startsAtOnce() : 0;
    while (state === 'open' && held.size < credit) {
      const claim = takeOne();
      if (claim === undefined) break;
      claim.started = startsAtOnce-- > 0 && !claim.stored.redelivered;
      held.add(claim);
      batch.push(createMemoryDelivery(claim, settlements, maxBodyBytes));
    }
    if (batch.length > 0) options.onDeliveries(batch);
  }

  function loseHeld(): void {
    for (const claim of held) {
      claim.state = 'lost';
      claim.lost?.abort();
      const { stored } = claim;
      broker.giveBack(claim.queue, { ...stored, redelivered: true, losses: stored.losses + (claim.started ? 1 : 0) });
    }
    held.clear();
  }

  const consumer: MemoryConsumer = {
    get queues() {
      return [...queues.values()];
    },
    setCredit(count) {
      credit = count;
      schedule();
    },
    async addQueue(queue) {
      if (state !== 'open') throw new CeleriacError('CELERIAC_E_CLOSED', 'the consumer is closed');
      broker.declare(queue);
      queues.set(queue.name, queue);
      schedule();
    },
    async cancelQueue(name) {
      queues.delete(name);
    },
    async close() {
      if (state === 'open') state = 'closed';
      clearImmediate(round);
      stopListening();
    },
    breakConnection() {
      loseHeld();
      options.onEvent({ kind: 'disconnected', error: new CeleriacError('CELERIAC_E_CONNECTION', 'the connection was broken') });
      if (state !== 'open') return;
      options.onEvent({ kind: 'connected' });
      schedule();
    },
    end() {
      state = 'ended';
      clearImmediate(round);
      stopListening();
      loseHeld();
    },
  };
  for (const queue of options.queues) {
    broker.declare(queue);
    queues.set(queue.name, queue);
  }
  options.onEvent({ kind: 'connected' });
  schedule();
  return consumer;
}
