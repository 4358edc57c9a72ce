import type { QueueAdmin } from '@celeriac/brokers';
import { inTime } from './in-time.ts';

/** Reads depths for all pools: what is asked in one turn of the event loop goes to the broker in one batch. */
export interface DepthReader {
  /** Ready messages by queue, or why there is no number. Never rejects; answers in time even where the broker does not. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, number | Error>>;
}

interface Ask {
  readonly names: readonly string[];
  readonly resolve: (depths: ReadonlyMap<string, number | Error>) => void;
}

/** A slow broker may have answered for some of these and not for others. */
const QUEUES_PER_BATCH = 500;
/** Whoever asked goes on at once, so a thousand answers of one batch are handed out over several turns of the event loop. */
const ANSWERS_PER_TURN = 16;

/** A reader of depths over one broker connection. */
export function createDepthReader(options: { readonly admin: Pick<QueueAdmin, 'depths'>; readonly limitMs: number }): DepthReader {
  const { admin, limitMs } = options;
  const answered: (() => void)[] = [];
  let asks: Ask[] = [];

  const readSome = async (names: readonly string[]): Promise<ReadonlyMap<string, number | Error>> => {
    try {
      return await inTime(admin.depths(names), limitMs, names.length === 1 ? `depth of ${names[0]}` : `depths of ${names.length} queues`);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      return new Map(names.map((name) => [name, reason]));
    }
  };
  const handOut = (): void => {
    for (const answer of answered.splice(0, ANSWERS_PER_TURN)) answer();
    if (answered.length > 0) setImmediate(handOut);
  };
  const answer = async (ask: Ask, batchOf: ReadonlyMap<string, Promise<ReadonlyMap<string, number | Error>>>): Promise<void> => {
    const depths = new Map<string, number | Error>();
    for (const name of ask.names) {
      const depth = (await batchOf.get(name))?.get(name);
      depths.set(name, depth ?? new Error(`the broker did not say how much waits in ${name}`));
    }
    if (answered.push(() => ask.resolve(depths)) === 1) setImmediate(handOut);
  };
  const send = (): void => {
    const asked = asks;
    asks = [];
    const names = [...new Set(asked.flatMap((ask) => ask.names))];
    const batchOf = new Map<string, Promise<ReadonlyMap<string, number | Error>>>();
    for (let at = 0; at < names.length; at += QUEUES_PER_BATCH) {
      const some = names.slice(at, at + QUEUES_PER_BATCH);
      const batch = readSome(some);
      for (const name of some) batchOf.set(name, batch);
    }
    for (const ask of asked) void answer(ask, batchOf);
  };

  return {
    read: (names) =>
      new Promise((resolve) => {
        if (asks.push({ names, resolve }) === 1) setImmediate(send);
      }),
  };
}
