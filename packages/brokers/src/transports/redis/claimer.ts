import { quoteJson } from '@celeriac/protocol';
import { unackedSuffix } from './key-layout.ts';
import type { OwnerLease } from './owner-lease.ts';
import { isErrorReply, runScript } from './redis-connection.ts';
import type { ClaimedMessage } from './redis-delivery.ts';
import type { RedisHub } from './redis-hub.ts';
import { ADOPT, CLAIM } from './scripts/claim-scripts.ts';
import { REDELIVERY_MARKS } from './scripts/settle-scripts.ts';

/** How much one claim takes at most. */
const CLAIM_COUNT = 256;
const CLAIM_BYTES = 1024 * 1024;

export interface ClaimResult {
  readonly messages: readonly ClaimedMessage[];
  /** There was less than asked for. */
  readonly isShort: boolean;
  readonly isLeaseLost: boolean;
  /** A key that holds something else than a list. */
  readonly wrongKey: string | null;
}

/** Takes messages for one owner. */
export interface Claimer {
  /** Rejects where it is not known what was taken: then {@link adopt} must come before the next claim. */
  claim(queues: readonly string[], credit: number, startsAtOnce: number): Promise<ClaimResult>;
  /** Whether a claim's answer got lost. */
  readonly isUnsure: boolean;
  /** Reads what claims with lost answers have taken. */
  adopt(): Promise<readonly ClaimedMessage[]>;
}

export function createClaimer(hub: RedisHub, lease: OwnerLease): Claimer {
  const { keys } = hub;
  const suffixes = new Map<string, string>();
  const suffixOf = (queue: string): string => {
    const known = suffixes.get(queue) ?? unackedSuffix(quoteJson(queue));
    suffixes.set(queue, known);
    return known;
  };
  let next = 1;
  let unsure: { readonly first: number; readonly count: number; readonly queues: readonly string[] }[] = [];

  return {
    get isUnsure() {
      return unsure.length > 0;
    },
    async claim(queues, credit, startsAtOnce) {
      const client = hub.commands.current ?? (await hub.commands.use(hub.timeoutMs));
      const count = Math.min(credit, CLAIM_COUNT);
      const first = next;
      next += count;
      const buckets = queues.map((queue) => keys.buckets(queue));
      const bucketKeys = keys.prioritySteps.flatMap((_, step) => buckets.map((bucket) => bucket[step] as string));
      const isFair = keys.queueOrder === 'round_robin' && queues.length > 1;
      const head = [lease.owner, lease.tagBase, first, count, startsAtOnce, CLAIM_BYTES, queues.length, isFair ? 1 : 0];
      let reply: readonly unknown[];
      try {
        const scriptKeys = [keys.unacked, keys.unackedIndex, keys.owners, lease.claimsKey, ...bucketKeys];
        reply = (await runScript(client, CLAIM, scriptKeys, [...head, ...queues.map(suffixOf)])) as readonly unknown[];
      } catch (error) {
        if (!isErrorReply(error)) unsure.push({ first, count, queues });
        throw error;
      }
      const messages: ClaimedMessage[] = [];
      for (let at = 3, index = 0; at < reply.length; at += 2, index++) {
        const number = (reply[at] as number) - 1;
        const raw = reply[at + 1] as Buffer;
        messages.push({
          tag: lease.tagBase + (first + index),
          counter: first + index,
          queue: queues[number % queues.length] as string,
          bucket: bucketKeys[number] as string,
          raw,
          isStarted: index < startsAtOnce && !hasMarks(raw),
        });
      }
      return {
        messages,
        isShort: reply[1] === 1,
        isLeaseLost: reply[0] === 1,
        wrongKey: reply[2] === null || reply[2] === undefined ? null : String(reply[2]),
      };
    },
    async adopt() {
      const adopted: ClaimedMessage[] = [];
      for (const range of unsure) {
        const reply = (await hub.run(
          ADOPT,
          [keys.unacked, lease.claimsKey],
          [lease.tagBase, range.first, range.count],
        )) as readonly unknown[];
        for (let at = 0; at < reply.length; at += 3) {
          const counter = reply[at] as number;
          const claim = String(reply[at + 1]);
          const space = claim.indexOf(' ');
          const bucket = claim.slice(space + 1);
          const queue = range.queues.find((name) => keys.buckets(name).includes(bucket));
          const entry = reply[at + 2] as Buffer;
          if (queue === undefined) continue;
          const raw = entry.subarray(1, entry.length - Number(claim.slice(1, space)));
          adopted.push({ tag: lease.tagBase + counter, counter, queue, bucket, raw, isStarted: claim.startsWith('1') });
        }
      }
      unsure = [];
      return adopted;
    },
  };
}

const marks = Buffer.from(REDELIVERY_MARKS);

function hasMarks(raw: Buffer): boolean {
  return raw.subarray(0, marks.length).equals(marks);
}
