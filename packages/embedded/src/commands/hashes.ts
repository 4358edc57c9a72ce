import { CommandError, formatDouble, OK, type Reply } from '../server/reply.ts';
import { readBigInteger, readFloat } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { readScanOptions } from './scan-options.ts';

const write = ['write', 'denyoom'] as const;
const read = ['readonly'] as const;

function set(call: Call, args: readonly string[]): number {
  if (args.length % 2 !== 0) throw new CommandError(`ERR wrong number of arguments for '${args[0]!.toLowerCase()}' command`);
  const hash = call.database.getOrCreate(args[1]!, 'hash');
  let added = 0;
  for (let at = 2; at < args.length; at += 2) if (hash.set(args[at]!, args[at + 1]!)) added += 1;
  call.database.touch(args[1]!);
  return added;
}

function setIfAbsent(call: Call, args: readonly string[]): Reply {
  const hash = call.database.getOrCreate(args[1]!, 'hash');
  if (hash.has(args[2]!)) return 0;
  hash.set(args[2]!, args[3]!);
  call.database.touch(args[1]!);
  return 1;
}

function remove(call: Call, args: readonly string[]): Reply {
  const hash = call.database.get(args[1]!, 'hash');
  if (hash === undefined) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at += 1) if (hash.delete(args[at]!)) removed += 1;
  if (removed > 0) call.database.touch(args[1]!);
  return removed;
}

function increment(call: Call, args: readonly string[]): Reply {
  const amount = readBigInteger(args[3]!);
  const old = call.database.get(args[1]!, 'hash')?.get(args[2]!) ?? '0';
  const value = readBigInteger(old, 'ERR hash value is not an integer') + amount;
  if (value !== BigInt.asIntN(64, value)) throw new CommandError('ERR increment or decrement would overflow');
  call.database.getOrCreate(args[1]!, 'hash').set(args[2]!, String(value));
  call.database.touch(args[1]!);
  return value;
}

function incrementFloat(call: Call, args: readonly string[]): Reply {
  const amount = readFloat(args[3]!);
  const old = call.database.get(args[1]!, 'hash')?.get(args[2]!) ?? '0';
  const value = readFloat(old, 'ERR hash value is not a float') + amount;
  if (!Number.isFinite(value)) throw new CommandError('ERR increment would produce NaN or Infinity');
  const text = formatDouble(value);
  call.database.getOrCreate(args[1]!, 'hash').set(args[2]!, text);
  call.database.touch(args[1]!);
  call.effects = [['HSET', args[1]!, args[2]!, text]];
  return text;
}

function scan(call: Call, args: readonly string[]): Reply {
  const options = readScanOptions(args, 2, false);
  const fields = call.database.get(args[1]!, 'hash')?.fields;
  if (fields === undefined) return ['0', []];
  const page = call.core.cursors.page(fields, () => fields.entries(), options.cursor, options.count);
  return [page.cursor, page.items.filter(([field]) => options.matches(field)).flat()];
}

export const hashCommands: readonly Command[] = [
  command('HSET', -4, write, [1, 1, 1], set),
  command('HMSET', -4, write, [1, 1, 1], (call, args) => {
    set(call, args);
    return OK;
  }),
  command('HSETNX', 4, write, [1, 1, 1], setIfAbsent),
  command('HGET', 3, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'hash')?.get(args[2]!) ?? null),
  command('HMGET', -3, read, [1, 1, 1], (call, args) => {
    const hash = call.database.get(args[1]!, 'hash');
    return args.slice(2).map((field) => hash?.get(field) ?? null);
  }),
  command('HDEL', -3, ['write'], [1, 1, 1], remove),
  command('HLEN', 2, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'hash')?.size ?? 0),
  command('HEXISTS', 3, read, [1, 1, 1], (call, args) => (call.database.get(args[1]!, 'hash')?.has(args[2]!) ? 1 : 0)),
  command('HSTRLEN', 3, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'hash')?.get(args[2]!)?.length ?? 0),
  command('HGETALL', 2, read, [1, 1, 1], (call, args) => ({ map: [...(call.database.get(args[1]!, 'hash')?.fields ?? [])] })),
  command('HKEYS', 2, read, [1, 1, 1], (call, args) => [...(call.database.get(args[1]!, 'hash')?.fields.keys() ?? [])]),
  command('HVALS', 2, read, [1, 1, 1], (call, args) => [...(call.database.get(args[1]!, 'hash')?.fields.values() ?? [])]),
  command('HINCRBY', 4, write, [1, 1, 1], increment),
  command('HINCRBYFLOAT', 4, write, [1, 1, 1], incrementFloat),
  command('HSCAN', -3, read, [1, 1, 1], scan),
];
