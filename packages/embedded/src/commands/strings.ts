import { CommandError, formatDouble, OK, type Reply } from '../server/reply.ts';
import { readBigInteger, readFloat, readInteger, syntaxError } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { readExpiryOption } from './expiry-options.ts';

const write = ['write', 'denyoom'] as const;
const read = ['readonly'] as const;
const MOST_BYTES = 512 * 1024 * 1024;

function set(call: Call, args: readonly string[]): Reply {
  const [, key, value] = args as [string, string, string];
  const options = { nx: false, xx: false, get: false, keepTtl: false, expiresAtMs: 0 };
  for (let at = 3; at < args.length; at += 1) {
    const word = args[at]!.toUpperCase();
    if (word === 'NX' && !options.xx) options.nx = true;
    else if (word === 'XX' && !options.nx) options.xx = true;
    else if (word === 'GET') options.get = true;
    else if (word === 'KEEPTTL' && options.expiresAtMs === 0) options.keepTtl = true;
    else if (options.expiresAtMs === 0 && !options.keepTtl && at + 1 < args.length) {
      options.expiresAtMs = readExpiryOption(call, word, args[++at]!, 'set');
    } else throw syntaxError();
  }
  const old = options.get ? (call.database.get(key, 'string') ?? null) : null;
  const exists = call.database.find(key) !== undefined;
  if ((options.nx && exists) || (options.xx && !exists)) return old;
  call.database.set(key, value, options.keepTtl ? 'keep' : options.expiresAtMs);
  recordSet(call, key, value, options.expiresAtMs, options.keepTtl);
  return options.get ? old : OK;
}

function recordSet(call: Call, key: string, value: string, expiresAtMs: number, keepTtl = false): void {
  const effect = ['SET', key, value];
  if (expiresAtMs > 0) effect.push('PXAT', String(expiresAtMs));
  else if (keepTtl) effect.push('KEEPTTL');
  call.effects = [effect];
}

function setWithTime(unitMs: number, name: string) {
  return (call: Call, args: readonly string[]): Reply => {
    const time = readInteger(args[2]!);
    if (time <= 0) throw new CommandError(`ERR invalid expire time in '${name}' command`);
    const expiresAtMs = call.core.keyspace.now() + time * unitMs;
    call.database.set(args[1]!, args[3]!, expiresAtMs);
    recordSet(call, args[1]!, args[3]!, expiresAtMs);
    return OK;
  };
}

function setIfAbsent(call: Call, args: readonly string[]): Reply {
  if (call.database.find(args[1]!) !== undefined) return 0;
  call.database.set(args[1]!, args[2]!);
  return 1;
}

function getSet(call: Call, args: readonly string[]): Reply {
  const old = call.database.get(args[1]!, 'string') ?? null;
  call.database.set(args[1]!, args[2]!);
  return old;
}

function getDelete(call: Call, args: readonly string[]): Reply {
  const old = call.database.get(args[1]!, 'string');
  if (old === undefined) return null;
  call.database.delete(args[1]!);
  return old;
}

function getAndExpire(call: Call, args: readonly string[]): Reply {
  const key = args[1]!;
  const value = call.database.get(key, 'string');
  const persist = args.length === 3 && args[2]!.toUpperCase() === 'PERSIST';
  if (!persist && args.length !== 2 && args.length !== 4) throw syntaxError();
  const atMs = args.length === 4 ? readExpiryOption(call, args[2]!.toUpperCase(), args[3]!, 'getex') : 0;
  if (value === undefined) return null;
  if (persist || atMs > 0) {
    call.database.expireAt(key, atMs);
    call.effects = [persist ? ['PERSIST', key] : ['PEXPIREAT', key, String(atMs)]];
  }
  return value;
}

function getMany(call: Call, args: readonly string[]): Reply {
  return args.slice(1).map((key) => {
    const value = call.database.find(key)?.value;
    return typeof value === 'string' ? value : null;
  });
}

function setMany(call: Call, args: readonly string[], onlyIfAbsent: boolean): Reply {
  if (args.length % 2 === 0) throw new CommandError(`ERR wrong number of arguments for '${args[0]!.toLowerCase()}' command`);
  if (onlyIfAbsent) for (let at = 1; at < args.length; at += 2) if (call.database.find(args[at]!) !== undefined) return 0;
  for (let at = 1; at < args.length; at += 2) call.database.set(args[at]!, args[at + 1]!);
  return onlyIfAbsent ? 1 : OK;
}

function append(call: Call, args: readonly string[]): Reply {
  const value = (call.database.get(args[1]!, 'string') ?? '') + args[2]!;
  if (value.length > MOST_BYTES) throw new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  call.database.set(args[1]!, value, 'keep');
  return value.length;
}

function getRange(call: Call, args: readonly string[]): Reply {
  const value = call.database.get(args[1]!, 'string') ?? '';
  let start = readInteger(args[2]!);
  let end = readInteger(args[3]!);
  if (start < 0) start = Math.max(value.length + start, 0);
  if (end < 0) end = Math.max(value.length + end, 0);
  return value.slice(start, end + 1);
}

function setRange(call: Call, args: readonly string[]): Reply {
  const offset = readInteger(args[2]!);
  if (offset < 0) throw new CommandError('ERR offset is out of range');
  const old = call.database.get(args[1]!, 'string') ?? '';
  const part = args[3]!;
  if (part === '') return old.length;
  if (offset + part.length > MOST_BYTES) throw new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  const value = old.padEnd(offset, '\0').slice(0, offset) + part + old.slice(offset + part.length);
  call.database.set(args[1]!, value, 'keep');
  return value.length;
}

function increment(sign: bigint, withAmount: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const amount = withAmount ? readBigInteger(args[2]!) * sign : sign;
    const value = readBigInteger(call.database.get(args[1]!, 'string') ?? '0') + amount;
    if (value !== BigInt.asIntN(64, value)) throw new CommandError('ERR increment or decrement would overflow');
    call.database.set(args[1]!, String(value), 'keep');
    return value;
  };
}

function incrementFloat(call: Call, args: readonly string[]): Reply {
  const value = readFloat(call.database.get(args[1]!, 'string') ?? '0') + readFloat(args[2]!);
  if (!Number.isFinite(value)) throw new CommandError('ERR increment would produce NaN or Infinity');
  const text = formatDouble(value);
  call.database.set(args[1]!, text, 'keep');
  call.effects = [['SET', args[1]!, text, 'KEEPTTL']];
  return text;
}

export const stringCommands: readonly Command[] = [
  command('GET', 2, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'string') ?? null),
  command('SET', -3, write, [1, 1, 1], set),
  command('SETEX', 4, write, [1, 1, 1], setWithTime(1000, 'setex')),
  command('PSETEX', 4, write, [1, 1, 1], setWithTime(1, 'psetex')),
  command('SETNX', 3, write, [1, 1, 1], setIfAbsent),
  command('GETSET', 3, write, [1, 1, 1], getSet),
  command('GETDEL', 2, ['write'], [1, 1, 1], getDelete),
  command('GETEX', -2, ['write'], [1, 1, 1], getAndExpire),
  command('MGET', -2, read, [1, -1, 1], getMany),
  command('MSET', -3, write, [1, -1, 2], (call, args) => setMany(call, args, false)),
  command('MSETNX', -3, write, [1, -1, 2], (call, args) => setMany(call, args, true)),
  command('APPEND', 3, write, [1, 1, 1], append),
  command('STRLEN', 2, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'string')?.length ?? 0),
  command('GETRANGE', 4, read, [1, 1, 1], getRange),
  command('SETRANGE', 4, write, [1, 1, 1], setRange),
  command('INCR', 2, write, [1, 1, 1], increment(1n, false)),
  command('DECR', 2, write, [1, 1, 1], increment(-1n, false)),
  command('INCRBY', 3, write, [1, 1, 1], increment(1n, true)),
  command('DECRBY', 3, write, [1, 1, 1], increment(-1n, true)),
  command('INCRBYFLOAT', 3, write, [1, 1, 1], incrementFloat),
];
