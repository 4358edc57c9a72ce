import { typeOf } from '../keyspace/entry.ts';
import { compileGlob } from '../pubsub/glob.ts';
import { CommandError, OK, type Reply } from '../server/reply.ts';
import { readInteger, syntaxError } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { readScanOptions } from './scan-options.ts';

function deleteKeys(call: Call, args: readonly string[]): Reply {
  let count = 0;
  for (let at = 1; at < args.length; at += 1) if (call.database.delete(args[at]!)) count += 1;
  return count;
}

function countExisting(call: Call, args: readonly string[]): Reply {
  let count = 0;
  for (let at = 1; at < args.length; at += 1) if (call.database.find(args[at]!) !== undefined) count += 1;
  return count;
}

function expire(unitMs: number, absolute: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const key = args[1]!;
    const time = readInteger(args[2]!);
    const atMs = time * unitMs + (absolute ? 0 : call.core.keyspace.now());
    if (Math.abs(atMs) > Number.MAX_SAFE_INTEGER) {
      throw new CommandError(`ERR invalid expire time in '${args[0]!.toLowerCase()}' command`);
    }
    const entry = call.database.find(key);
    if (!mayExpire(args.slice(3), entry?.expiresAtMs ?? 0, atMs) || entry === undefined) return 0;
    if (atMs <= call.core.keyspace.now()) {
      call.database.delete(key);
      call.effects = [['DEL', key]];
    } else {
      call.database.expireAt(key, atMs);
      call.effects = [['PEXPIREAT', key, String(atMs)]];
    }
    return 1;
  };
}

function mayExpire(options: readonly string[], currentMs: number, atMs: number): boolean {
  const words = new Set(options.map((word) => word.toUpperCase()));
  for (const word of words) {
    if (!['NX', 'XX', 'GT', 'LT'].includes(word)) throw new CommandError(`ERR Unsupported option ${word}`);
  }
  if (words.has('NX') && words.size > 1) {
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if (words.has('GT') && words.has('LT')) throw new CommandError('ERR GT and LT options at the same time are not compatible');
  if (words.has('NX') && currentMs !== 0) return false;
  if (words.has('XX') && currentMs === 0) return false;
  if (words.has('GT') && (currentMs === 0 || atMs <= currentMs)) return false;
  return !(words.has('LT') && currentMs !== 0 && atMs >= currentMs);
}

function timeLeft(unitMs: number, absolute: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const entry = call.database.find(args[1]!);
    if (entry === undefined) return -2;
    if (entry.expiresAtMs === 0) return -1;
    const ms = entry.expiresAtMs - (absolute ? 0 : call.core.keyspace.now());
    return unitMs === 1 ? ms : Math.floor((ms + 500) / unitMs);
  };
}

function persist(call: Call, args: readonly string[]): Reply {
  const entry = call.database.find(args[1]!);
  if (entry === undefined || entry.expiresAtMs === 0) return 0;
  call.database.expireAt(args[1]!, 0);
  return 1;
}

function listKeys(call: Call, args: readonly string[]): Reply {
  const matches = compileGlob(args[1]!);
  return [...call.database.entries.keys()].filter((key) => matches(key) && call.database.find(key) !== undefined);
}

function scan(call: Call, args: readonly string[]): Reply {
  const options = readScanOptions(args, 1, true);
  const { entries } = call.database;
  const page = call.core.cursors.page(entries, () => entries.keys(), options.cursor, options.count);
  const keys = page.items.filter((key) => {
    if (!options.matches(key)) return false;
    const entry = call.database.find(key);
    return entry !== undefined && (options.type === undefined || typeOf(entry.value) === options.type);
  });
  return [page.cursor, keys];
}

function rename(call: Call, args: readonly string[], onlyIfAbsent: boolean): Reply {
  const [, from, to] = args as [string, string, string];
  const entry = call.database.find(from);
  if (entry === undefined) throw new CommandError('ERR no such key');
  if (onlyIfAbsent && call.database.find(to) !== undefined) return 0;
  if (from !== to) {
    const { value, expiresAtMs } = entry;
    call.database.delete(from);
    call.database.delete(to);
    call.database.set(to, value, expiresAtMs);
  }
  return onlyIfAbsent ? 1 : OK;
}

function randomKey(call: Call): Reply {
  const keys = [...call.database.entries.keys()];
  for (let at = Math.floor(Math.random() * keys.length); at < keys.length; at += 1) {
    if (call.database.find(keys[at]!) !== undefined) return keys[at]!;
  }
  return null;
}

function object(call: Call, args: readonly string[]): Reply {
  const what = args[1]!.toUpperCase();
  if (args.length !== 3) throw syntaxError();
  const entry = call.database.find(args[2]!);
  if (entry === undefined) return null;
  if (what === 'REFCOUNT') return 1;
  if (what === 'IDLETIME' || what === 'FREQ') return 0;
  if (what !== 'ENCODING') throw new CommandError(`ERR unknown subcommand '${args[1]}'. Try OBJECT HELP.`);
  return { string: 'raw', list: 'quicklist', hash: 'hashtable', set: 'hashtable', zset: 'skiplist' }[typeOf(entry.value)];
}

function flush(call: Call, all: boolean): Reply {
  for (const database of all ? call.core.keyspace.databases : [call.database]) {
    for (const key of database.clear()) {
      call.core.watched.changed(database, key);
      call.core.waiters.changed(database, key);
    }
  }
  call.core.keyspace.changes += 1;
  call.core.flushed();
  return OK;
}

export const keyCommands: readonly Command[] = [
  command('DEL', -2, ['write'], [1, -1, 1], deleteKeys),
  command('UNLINK', -2, ['write'], [1, -1, 1], deleteKeys),
  command('EXISTS', -2, ['readonly'], [1, -1, 1], countExisting),
  command('TOUCH', -2, ['readonly'], [1, -1, 1], countExisting),
  command('TYPE', 2, ['readonly'], [1, 1, 1], (call, args) => {
    const entry = call.database.find(args[1]!);
    return { status: entry === undefined ? 'none' : typeOf(entry.value) };
  }),
  command('EXPIRE', -3, ['write'], [1, 1, 1], expire(1000, false)),
  command('PEXPIRE', -3, ['write'], [1, 1, 1], expire(1, false)),
  command('EXPIREAT', -3, ['write'], [1, 1, 1], expire(1000, true)),
  command('PEXPIREAT', -3, ['write'], [1, 1, 1], expire(1, true)),
  command('TTL', 2, ['readonly'], [1, 1, 1], timeLeft(1000, false)),
  command('PTTL', 2, ['readonly'], [1, 1, 1], timeLeft(1, false)),
  command('EXPIRETIME', 2, ['readonly'], [1, 1, 1], timeLeft(1000, true)),
  command('PEXPIRETIME', 2, ['readonly'], [1, 1, 1], timeLeft(1, true)),
  command('PERSIST', 2, ['write'], [1, 1, 1], persist),
  command('KEYS', 2, ['readonly'], [0, 0, 0], listKeys),
  command('SCAN', -2, ['readonly'], [0, 0, 0], scan),
  command('RENAME', 3, ['write'], [1, 2, 1], (call, args) => rename(call, args, false)),
  command('RENAMENX', 3, ['write'], [1, 2, 1], (call, args) => rename(call, args, true)),
  command('RANDOMKEY', 1, ['readonly'], [0, 0, 0], randomKey),
  command('OBJECT', -2, ['readonly'], [2, 2, 1], object),
  command('DBSIZE', 1, ['readonly'], [0, 0, 0], (call) => call.database.size),
  command('FLUSHDB', -1, ['write'], [0, 0, 0], (call) => flush(call, false)),
  command('FLUSHALL', -1, ['write'], [0, 0, 0], (call) => flush(call, true)),
];
