import { CeleriacError } from '@celeriac/protocol';
import type { Channel } from 'amqplib';
import type { LiveConnection } from './amqp-link.ts';
import { createFrameWriter, type FrameWriter } from './wire/frame-writer.ts';
import { writeAck, writeNack } from './wire/outgoing-frames.ts';

const SMALL_BYTES = 4 * 1024;

/** The unsettled deliveries of one channel's life, and their settlements, which travel together once per turn of the event loop. */
export interface ClaimChannel<Claim> {
  readonly channel: Channel;
  /** By delivery tag, oldest first. */
  readonly claims: ReadonlyMap<number, Claim>;
  hold(tag: number, claim: Claim): void;
  ack(tag: number): Promise<void>;
  nack(tag: number, requeue: boolean): Promise<void>;
  /** Sends what has been settled so far. */
  flush(): void;
  /** The channel is gone: what was not sent rejects; returns the claims it held. */
  end(): readonly Claim[];
}

/** The error of a settlement that comes after the claim was lost. */
export function claimLost(queue: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONNECTION', `the claim on a message of queue '${queue}' was lost before it was settled`);
}

export function createClaimChannel<Claim>(live: LiveConnection, channel: Channel, queue: string): ClaimChannel<Claim> {
  const number = (channel as unknown as { readonly ch: number }).ch;
  const writer = createFrameWriter(SMALL_BYTES);
  const claims = new Map<number, Claim>();
  let acked = new Set<number>();
  let turn: { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  let timer: NodeJS.Immediate | undefined;
  let ended = false;

  function flush(): void {
    clearImmediate(timer);
    timer = undefined;
    const sent = turn;
    turn = undefined;
    if (ended || sent === undefined) return;
    const batch = acked;
    acked = new Set();
    writeAcks(writer, number, claims.keys(), batch);
    for (const tag of batch) claims.delete(tag);
    live.raw.sendBytes(writer.take());
    sent.resolve();
  }
  const thisTurn = (): Promise<void> => {
    if (ended) return Promise.reject(claimLost(queue));
    turn ??= Promise.withResolvers<void>();
    timer ??= setImmediate(flush);
    return turn.promise;
  };

  return {
    channel,
    claims,
    hold(tag, claim) {
      claims.set(tag, claim);
    },
    ack(tag) {
      if (claims.has(tag)) acked.add(tag);
      return thisTurn();
    },
    nack(tag, requeue) {
      // written at once and in order: the batch of acks that follows may then take in earlier tags
      if (!ended && claims.delete(tag)) writeNack(writer, number, tag, requeue);
      return thisTurn();
    },
    flush,
    end() {
      ended = true;
      clearImmediate(timer);
      turn?.reject(claimLost(queue));
      turn = undefined;
      const held = [...claims.values()];
      claims.clear();
      return held;
    },
  };
}

/** One ack for the prefix of the outstanding tags that is in the batch, single ones for the rest. */
export function writeAcks(writer: FrameWriter, channel: number, outstanding: Iterable<number>, batch: ReadonlySet<number>): void {
  let prefixEnd = 0;
  let inPrefix = 0;
  for (const tag of outstanding) {
    if (!batch.has(tag)) break;
    prefixEnd = tag;
    inPrefix++;
  }
  if (inPrefix > 0) writeAck(writer, channel, prefixEnd, inPrefix > 1);
  if (inPrefix === batch.size) return;
  for (const tag of batch) if (tag > prefixEnd) writeAck(writer, channel, tag, false);
}
