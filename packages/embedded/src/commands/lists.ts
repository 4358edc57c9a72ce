import type { Database } from '../keyspace/database.ts';
import { CommandError, NULL_ARRAY, OK, type Reply } from '../server/reply.ts';
import { clampRange, readInteger, readNaturalNumber, syntaxError } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';

export type Side = 'LEFT' | 'RIGHT';

const write = ['write', 'denyoom'] as const;

function push(side: Side, onlyIfThere: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const key = args[1]!;
    if (onlyIfThere && call.database.get(key, 'list') === undefined) return 0;
    const list = call.database.getOrCreate(key, 'list');
    for (let at = 2; at < args.length; at += 1) {
      if (side === 'LEFT') list.pushLeft(args[at]!);
      else list.pushRight(args[at]!);
    }
    const size = list.size;
    call.database.touch(key);
    return size;
  };
}

/** Takes up to `count` elements from one side; undefined when there is no such list. */
export function takeFrom(database: Database, key: string, side: Side, count: number): string[] | undefined {
  const list = database.get(key, 'list');
  if (list === undefined) return undefined;
  const taken: string[] = [];
  while (taken.length < count) {
    const value = side === 'LEFT' ? list.popLeft() : list.popRight();
    if (value === undefined) break;
    taken.push(value);
  }
  if (taken.length > 0) database.touch(key);
  return taken;
}

/** Puts elements back where `takeFrom` took them. */
export function giveBack(database: Database, key: string, side: Side, taken: readonly string[]): void {
  const list = database.getOrCreate(key, 'list');
  for (const value of taken.toReversed()) {
    if (side === 'LEFT') list.pushLeft(value);
    else list.pushRight(value);
  }
  database.touch(key);
}

function pop(side: Side) {
  return (call: Call, args: readonly string[]): Reply => {
    if (args.length > 3) throw new CommandError(`ERR wrong number of arguments for '${args[0]!.toLowerCase()}' command`);
    const count = args.length === 3 ? readNaturalNumber(args[2]!, 'ERR value is out of range, must be positive') : undefined;
    const taken = takeFrom(call.database, args[1]!, side, count ?? 1);
    if (taken === undefined) return count === undefined ? null : NULL_ARRAY;
    return count === undefined ? taken[0]! : taken;
  };
}

function range(call: Call, args: readonly string[]): Reply {
  const list = call.database.get(args[1]!, 'list');
  const { start, end } = clampRange(args[2]!, args[3]!, list?.size ?? 0);
  return list?.slice(start, end) ?? [];
}

function trim(call: Call, args: readonly string[]): Reply {
  const list = call.database.get(args[1]!, 'list');
  const { start, end } = clampRange(args[2]!, args[3]!, list?.size ?? 0);
  if (list === undefined) return OK;
  for (let left = list.size - end; left > 0; left -= 1) list.popRight();
  for (let left = start; left > 0; left -= 1) list.popLeft();
  call.database.touch(args[1]!);
  return OK;
}

function setAt(call: Call, args: readonly string[]): Reply {
  const list = call.database.get(args[1]!, 'list');
  const index = readInteger(args[2]!);
  if (list === undefined) throw new CommandError('ERR no such key');
  if (list.at(index) === undefined) throw new CommandError('ERR index out of range');
  list.set(index, args[3]!);
  call.database.touch(args[1]!);
  return OK;
}

function removeValues(call: Call, args: readonly string[]): Reply {
  const count = readInteger(args[2]!);
  const list = call.database.get(args[1]!, 'list');
  if (list === undefined) return 0;
  const removed = list.remove(args[3]!, count === 0 ? list.size : Math.abs(count), count < 0);
  if (removed > 0) call.database.touch(args[1]!);
  return removed;
}

function insert(call: Call, args: readonly string[]): Reply {
  const where = args[2]!.toUpperCase();
  if (where !== 'BEFORE' && where !== 'AFTER') throw syntaxError();
  const list = call.database.get(args[1]!, 'list');
  if (list === undefined) return 0;
  const index = list.indexOf(args[3]!);
  if (index < 0) return -1;
  list.insert(where === 'BEFORE' ? index : index + 1, args[4]!);
  call.database.touch(args[1]!);
  return list.size;
}

function position(call: Call, args: readonly string[]): Reply {
  if (args.length !== 3) throw new CommandError('ERR LPOS options are not supported by this broker');
  const index = call.database.get(args[1]!, 'list')?.indexOf(args[2]!) ?? -1;
  return index < 0 ? null : index;
}

export function readSide(text: string): Side {
  const side = text.toUpperCase();
  if (side !== 'LEFT' && side !== 'RIGHT') throw syntaxError();
  return side;
}

/** Moves one element; undefined when the source is empty. */
export function moveBetween(database: Database, from: string, to: string, fromSide: Side, toSide: Side): string | undefined {
  database.get(to, 'list');
  const taken = takeFrom(database, from, fromSide, 1)?.[0];
  if (taken === undefined) return undefined;
  giveBack(database, to, toSide, [taken]);
  return taken;
}

/** `numkeys key ... LEFT|RIGHT [COUNT n]` from the word at `at` on. */
export function readMultiPop(args: readonly string[], at: number): { keys: string[]; side: string; count: number; rest: number } {
  const keyCount = readNaturalNumber(args[at]!, 'ERR numkeys should be greater than 0');
  if (keyCount === 0) throw new CommandError('ERR numkeys should be greater than 0');
  const rest = at + 1 + keyCount;
  if (rest >= args.length) throw syntaxError();
  let count = 1;
  if (args.length > rest + 1) {
    if (args.length !== rest + 3 || args[rest + 1]!.toUpperCase() !== 'COUNT') throw syntaxError();
    count = readNaturalNumber(args[rest + 2]!, 'ERR count should be greater than 0');
    if (count === 0) throw new CommandError('ERR count should be greater than 0');
  }
  return { keys: args.slice(at + 1, rest), side: args[rest]!, count, rest };
}

function multiPop(call: Call, args: readonly string[]): Reply {
  const { keys, side, count } = readMultiPop(args, 1);
  const from = readSide(side);
  for (const key of keys) {
    const taken = takeFrom(call.database, key, from, count);
    if (taken === undefined) continue;
    call.effects = [[from === 'LEFT' ? 'LPOP' : 'RPOP', key, String(count)]];
    return [key, taken];
  }
  return NULL_ARRAY;
}

export const listCommands: readonly Command[] = [
  command('LPUSH', -3, write, [1, 1, 1], push('LEFT', false)),
  command('RPUSH', -3, write, [1, 1, 1], push('RIGHT', false)),
  command('LPUSHX', -3, write, [1, 1, 1], push('LEFT', true)),
  command('RPUSHX', -3, write, [1, 1, 1], push('RIGHT', true)),
  command('LPOP', -2, ['write'], [1, 1, 1], pop('LEFT')),
  command('RPOP', -2, ['write'], [1, 1, 1], pop('RIGHT')),
  command('LLEN', 2, ['readonly'], [1, 1, 1], (call, args) => call.database.get(args[1]!, 'list')?.size ?? 0),
  command('LRANGE', 4, ['readonly'], [1, 1, 1], range),
  command('LINDEX', 3, ['readonly'], [1, 1, 1], (call, args) => call.database.get(args[1]!, 'list')?.at(readInteger(args[2]!)) ?? null),
  command('LSET', 4, write, [1, 1, 1], setAt),
  command('LREM', 4, ['write'], [1, 1, 1], removeValues),
  command('LTRIM', 4, ['write'], [1, 1, 1], trim),
  command('LINSERT', 5, write, [1, 1, 1], insert),
  command('LPOS', -3, ['readonly'], [1, 1, 1], position),
  command('LMPOP', -4, ['write'], [0, 0, 0], multiPop),
  command(
    'LMOVE',
    5,
    write,
    [1, 2, 1],
    (call, args) => moveBetween(call.database, args[1]!, args[2]!, readSide(args[3]!), readSide(args[4]!)) ?? null,
  ),
  command('RPOPLPUSH', 3, write, [1, 2, 1], (call, args) => moveBetween(call.database, args[1]!, args[2]!, 'RIGHT', 'LEFT') ?? null),
];
