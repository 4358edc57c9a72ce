import type { TypeName } from '../keyspace/entry.ts';
import type { Waiter } from '../keyspace/waiters.ts';
import { CommandError, NULL_ARRAY, type Reply } from '../server/reply.ts';
import { readTimeoutMs } from './arguments.ts';
import { type Call, type Command, command, NO_REPLY } from './command.ts';
import { giveBack, moveBetween, readMultiPop, readSide, type Side, takeFrom } from './lists.ts';
import { takeExtremes } from './sorted-set-pops.ts';

/** What a blocking pop took from a key: its reply, the words for the log, and how to undo it if the peer has gone. */
interface Taken {
  readonly reply: Reply;
  readonly effect: readonly string[];
  /** Undefined when the element is kept elsewhere, as by BLMOVE. */
  readonly undo?: () => void;
}

interface BlockingPop {
  readonly keys: readonly string[];
  readonly type: TypeName;
  readonly timeoutMs: number;
  readonly onTimeout: Reply;
  /** Undefined when the key has nothing. @throws CommandError when it holds another type. */
  readonly take: (key: string) => Taken | undefined;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Takes at once from the first key that has something; else the connection waits, unless inside a transaction or a script. */
function popOrWait(call: Call, pop: BlockingPop): Reply | typeof NO_REPLY {
  for (const key of pop.keys) {
    const taken = pop.take(key);
    if (taken === undefined) continue;
    call.effects = [taken.effect];
    return taken.reply;
  }
  if (call.within !== 'nothing') return pop.onTimeout;
  wait(call, pop);
  return NO_REPLY;
}

function wait({ core, client, database }: Call, pop: BlockingPop): void {
  const waiter: Waiter = {
    database,
    keys: [...new Set(pop.keys)],
    type: pop.type,
    take(key) {
      try {
        const taken = pop.take(key);
        if (taken === undefined) return undefined;
        core.record(database, taken.effect);
        if (taken.undo) client.handed.push(taken.undo);
        return taken.reply;
      } catch (error) {
        if (error instanceof CommandError) return undefined;
        throw error;
      }
    },
    served: (reply) => endWait(reply),
  };
  const endWait = (reply: Reply): void => {
    clearTimeout(client.waiterTimer);
    client.waiter = undefined;
    client.send(reply);
    core.resume(client);
  };
  client.waiter = waiter;
  client.unblock = (reply) => {
    core.waiters.remove(waiter);
    endWait(reply ?? pop.onTimeout);
  };
  if (pop.timeoutMs > 0) {
    client.waiterTimer = setTimeout(() => client.unblock?.(undefined), Math.min(pop.timeoutMs, LONGEST_TIMER_MS));
  }
  core.waiters.add(waiter);
}

function popSide(side: Side) {
  return (call: Call, args: readonly string[]): Reply | typeof NO_REPLY =>
    popOrWait(call, {
      keys: args.slice(1, -1),
      type: 'list',
      timeoutMs: readTimeoutMs(args.at(-1)!),
      onTimeout: NULL_ARRAY,
      take: (key) => takeList(call, key, side, 1, (taken) => [key, taken[0]!]),
    });
}

function takeList(call: Call, key: string, side: Side, count: number, reply: (taken: string[]) => Reply): Taken | undefined {
  const taken = takeFrom(call.database, key, side, count);
  if (taken === undefined) return undefined;
  return {
    reply: reply(taken),
    effect: [side === 'LEFT' ? 'LPOP' : 'RPOP', key, String(count)],
    undo: () => {
      giveBack(call.database, key, side, taken);
      call.core.record(call.database, [side === 'LEFT' ? 'LPUSH' : 'RPUSH', key, ...taken.toReversed()]);
    },
  };
}

function multiPop(call: Call, args: readonly string[]): Reply | typeof NO_REPLY {
  const { keys, side, count } = readMultiPop(args, 2);
  const from = readSide(side);
  return popOrWait(call, {
    keys,
    type: 'list',
    timeoutMs: readTimeoutMs(args[1]!),
    onTimeout: NULL_ARRAY,
    take: (key) => takeList(call, key, from, count, (taken) => [key, taken]),
  });
}

function move(call: Call, from: string, to: string, fromSide: Side, toSide: Side, timeoutMs: number): Reply | typeof NO_REPLY {
  return popOrWait(call, {
    keys: [from],
    type: 'list',
    timeoutMs,
    onTimeout: NULL_ARRAY,
    take: (key) => {
      const moved = moveBetween(call.database, key, to, fromSide, toSide);
      return moved === undefined ? undefined : { reply: moved, effect: ['LMOVE', key, to, fromSide, toSide] };
    },
  });
}

function popExtreme(highest: boolean) {
  return (call: Call, args: readonly string[]): Reply | typeof NO_REPLY =>
    popOrWait(call, {
      keys: args.slice(1, -1),
      type: 'zset',
      timeoutMs: readTimeoutMs(args.at(-1)!),
      onTimeout: NULL_ARRAY,
      take: (key) => {
        const taken = takeExtremes(call.database, key, highest, 1)[0];
        if (taken === undefined) return undefined;
        return {
          reply: [key, taken.member, { double: taken.score }],
          effect: ['ZREM', key, taken.member],
          undo: () => {
            call.database.getOrCreate(key, 'zset').set(taken.member, taken.score);
            call.database.touch(key);
            call.core.record(call.database, ['ZADD', key, String(taken.score), taken.member]);
          },
        };
      },
    });
}

const blocks = ['write', 'blocking'] as const;

export const blockingCommands: readonly Command[] = [
  command('BLPOP', -3, blocks, [1, -2, 1], popSide('LEFT')),
  command('BRPOP', -3, blocks, [1, -2, 1], popSide('RIGHT')),
  command('BLMPOP', -5, blocks, [0, 0, 0], multiPop),
  command('BLMOVE', 6, [...blocks, 'denyoom'], [1, 2, 1], (call, args) =>
    move(call, args[1]!, args[2]!, readSide(args[3]!), readSide(args[4]!), readTimeoutMs(args[5]!)),
  ),
  command('BRPOPLPUSH', 4, [...blocks, 'denyoom'], [1, 2, 1], (call, args) =>
    move(call, args[1]!, args[2]!, 'RIGHT', 'LEFT', readTimeoutMs(args[3]!)),
  ),
  command('BZPOPMIN', -3, blocks, [1, -2, 1], popExtreme(false)),
  command('BZPOPMAX', -3, blocks, [1, -2, 1], popExtreme(true)),
];
