import { setTimeout as sleep } from 'node:timers/promises';
import { CeleriacError } from '@celeriac/protocol';
import { isErrorReply, runScript } from './redis-connection.ts';
import { claimLost, type RedisDelivery, type Settlement } from './redis-delivery.ts';
import { brokerError, type RedisHub, type ScriptArgument } from './redis-hub.ts';
import type { RedisScript } from './redis-script.ts';
import { ACK, GIVE_BACK, PARK, QUARANTINE, START } from './scripts/settle-scripts.ts';
import { createTurnBatch } from './turn-batch.ts';

const PER_SCRIPT = 500;
/** reliability.md 4.1: what a quarantine holds at most. */
const QUARANTINE_ENTRIES = 10_000;
const QUARANTINE_BYTES = 256 * 1024 * 1024;

interface Order {
  readonly delivery: RedisDelivery;
  readonly ask: Settlement | { readonly kind: 'start' };
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Carries out settlements of one owner, those of a turn together, again after a lost connection until it is known that they happened. */
export interface Settler {
  add(delivery: RedisDelivery, ask: Order['ask']): Promise<void>;
  /** Resolves when everything added so far has come to an end. */
  idle(): Promise<void>;
}

export interface SettlerOptions {
  readonly hub: RedisHub;
  /** The hash of the owner's claims. */
  readonly claimsKey: string;
  /** Whether the lease has ended since: then an unknown outcome counts as lost. */
  readonly isLeaseLost: () => boolean;
  /** A quarantine made room by dropping its oldest entries. */
  readonly onDropped: (queue: string, count: number) => void;
}

export function createSettler(options: SettlerOptions): Settler {
  const { hub, claimsKey } = options;
  const { unacked, unackedIndex, due, dueBuckets, visibilityTimeoutMs } = hub.keys;
  const running = new Set<Promise<void>>();

  const batch = createTurnBatch<Order>((orders) => {
    const of = (kind: Order['ask']['kind']): Order[] => orders.filter(({ ask }) => ask.kind === kind);
    const claimKeys = [unacked, unackedIndex, claimsKey];
    send(of('start'), START, [claimsKey], ({ delivery }) => [delivery.claim.tag]);
    send(of('ack'), ACK, claimKeys, ({ delivery }) => [delivery.claim.tag]);
    const back = of('give-back').sort((a, b) => b.delivery.claim.counter - a.delivery.claim.counter);
    send(back, GIVE_BACK, claimKeys, ({ delivery, ask }) =>
      ask.kind === 'give-back' ? [delivery.claim.tag, ask.redeliveries, ask.losses] : [],
    );
    send(of('park'), PARK, [...claimKeys, due, dueBuckets], ({ delivery, ask }) =>
      ask.kind === 'park' ? [delivery.claim.tag, epochSeconds(ask.dueAtMs), epochSeconds(ask.dueAtMs - visibilityTimeoutMs)] : [],
    );
    for (const order of of('quarantine')) start(quarantineOne(order));
  });

  function send(orders: Order[], script: RedisScript, keys: readonly string[], toArgs: (order: Order) => ScriptArgument[]): void {
    for (let at = 0; at < orders.length; at += PER_SCRIPT) {
      const chunk = orders.length <= PER_SCRIPT ? orders : orders.slice(at, at + PER_SCRIPT);
      start(carryOut(chunk, script, keys, chunk.length === 1 ? toArgs(chunk[0] as Order) : chunk.flatMap(toArgs)));
    }
  }

  function start(run: Promise<void>): void {
    running.add(run);
    void run.finally(() => running.delete(run));
  }

  async function carryOut(orders: readonly Order[], script: RedisScript, keys: readonly string[], args: ScriptArgument[]): Promise<void> {
    const answer = await insist(script, keys, args);
    if (answer.kind === 'failed') {
      for (const order of orders) order.reject(answer.error);
      return;
    }
    const { reply } = answer;
    for (const [index, order] of orders.entries()) {
      const effect = reply === 1 ? 1 : (reply as readonly unknown[])[index];
      if (effect === 1) order.resolve();
      else if (effect === 0) missing(order, answer.wasUnsure);
      else order.reject(new CeleriacError('CELERIAC_E_BROKER', `Redis refused: ${String(effect).slice(0, 200)}`));
    }
  }

  async function quarantineOne(order: Order): Promise<void> {
    const { delivery, ask } = order;
    if (ask.kind !== 'quarantine') return;
    const place = hub.keys.quarantine(delivery.claim.queue);
    const keys = [unacked, unackedIndex, claimsKey, place.entries, place.index, place.counts];
    const answer = await insist(QUARANTINE, keys, [delivery.claim.tag, ask.headJson, QUARANTINE_ENTRIES, QUARANTINE_BYTES]);
    if (answer.kind === 'failed') {
      order.reject(answer.error);
      return;
    }
    const [effect, dropped] = answer.reply as [number, number];
    if (dropped > 0) options.onDropped(delivery.claim.queue, dropped);
    if (effect === 1) order.resolve();
    else missing(order, answer.wasUnsure);
  }

  /** The claim was not there any more: by an earlier attempt of ours whose answer got lost, unless the lease has ended since. */
  function missing(order: Order, wasUnsure: boolean): void {
    if (wasUnsure && order.ask.kind !== 'start' && !options.isLeaseLost()) {
      order.resolve();
      return;
    }
    order.delivery.lose();
    order.reject(claimLost());
  }

  /** All these scripts may run twice: the tag of a claim is never used again. */
  async function insist(script: RedisScript, keys: readonly string[], args: readonly ScriptArgument[]): Promise<Answer> {
    let wasUnsure = false;
    for (;;) {
      try {
        const client = hub.commands.current ?? (await hub.commands.use(hub.timeoutMs));
        return { kind: 'done', reply: await runScript(client, script, keys, args), wasUnsure };
      } catch (error) {
        const refused = isErrorReply(error) && !/^(READONLY|LOADING|MASTERDOWN|BUSY|UNBLOCKED|NOREPLICAS)/.test(error.message);
        if (refused || hub.isClosed) return { kind: 'failed', error: brokerError(error, hub.isClosed) };
        if (!isErrorReply(error)) wasUnsure = true;
        await sleep(50);
      }
    }
  }

  return {
    add(delivery, ask) {
      const promise = new Promise<void>((resolve, reject) => batch.add({ delivery, ask, resolve, reject }));
      // A caller that does not look must not end the process.
      promise.catch(() => {});
      return promise;
    },
    async idle() {
      batch.flush();
      while (running.size > 0) await Promise.all(running);
    },
  };
}

type Answer =
  | { readonly kind: 'done'; readonly reply: unknown; readonly wasUnsure: boolean }
  | { readonly kind: 'failed'; readonly error: CeleriacError };

function epochSeconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
