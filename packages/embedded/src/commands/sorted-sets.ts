import { CommandError, formatDouble, NULL_ARRAY, type Reply } from '../server/reply.ts';
import { readFloat, readNaturalNumber, syntaxError } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { readScanOptions } from './scan-options.ts';
import { type ScoredMember, takeExtremes } from './sorted-set-pops.ts';

const write = ['write', 'denyoom'] as const;
const read = ['readonly'] as const;

interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  countChanged: boolean;
  increment: boolean;
}

function readAddOptions(args: readonly string[]): { options: AddOptions; rest: number } {
  const options: AddOptions = { nx: false, xx: false, gt: false, lt: false, countChanged: false, increment: false };
  let at = 2;
  for (; at < args.length; at += 1) {
    const word = args[at]!.toUpperCase();
    if (word === 'NX') options.nx = true;
    else if (word === 'XX') options.xx = true;
    else if (word === 'GT') options.gt = true;
    else if (word === 'LT') options.lt = true;
    else if (word === 'CH') options.countChanged = true;
    else if (word === 'INCR') options.increment = true;
    else break;
  }
  if (at === args.length || (args.length - at) % 2 !== 0) throw syntaxError();
  if (options.nx && options.xx) throw new CommandError('ERR XX and NX options at the same time are not compatible');
  if ((options.gt && options.lt) || (options.nx && (options.gt || options.lt))) {
    throw new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible');
  }
  if (options.increment && args.length - at > 2) throw new CommandError('ERR INCR option supports a single increment-element pair');
  return { options, rest: at };
}

/** The score a member gets, or undefined when the options leave it as it is. */
function nextScore(options: AddOptions, old: number | undefined, given: number): number | undefined {
  if (old === undefined) return options.xx ? undefined : given;
  if (options.nx) return undefined;
  const score = options.increment ? old + given : given;
  if (Number.isNaN(score)) throw new CommandError('ERR resulting score is not a number (NaN)');
  if ((options.gt && score <= old) || (options.lt && score >= old)) return undefined;
  return score;
}

function add(call: Call, args: readonly string[]): Reply {
  const { options, rest } = readAddOptions(args);
  const scores: number[] = [];
  for (let at = rest; at < args.length; at += 2) scores.push(readFloat(args[at]!));
  const key = args[1]!;
  if (options.xx && call.database.get(key, 'zset') === undefined) return options.increment ? null : 0;
  const zset = call.database.getOrCreate(key, 'zset');
  let added = 0;
  let changed = 0;
  let result: number | undefined;
  for (const [at, given] of scores.entries()) {
    const member = args[rest + at * 2 + 1]!;
    const old = zset.score(member);
    result = nextScore(options, old, given);
    if (result === undefined || result === old) continue;
    zset.set(member, result);
    changed += 1;
    if (old === undefined) added += 1;
  }
  if (changed > 0 || zset.size === 0) call.database.touch(key);
  if (options.increment) return result === undefined ? null : { double: result };
  return options.countChanged ? changed : added;
}

function remove(call: Call, args: readonly string[]): Reply {
  const zset = call.database.get(args[1]!, 'zset');
  if (zset === undefined) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at += 1) if (zset.delete(args[at]!)) removed += 1;
  if (removed > 0) call.database.touch(args[1]!);
  return removed;
}

function scoreReply(score: number | undefined): Reply {
  return score === undefined ? null : { double: score };
}

function rank(call: Call, args: readonly string[], fromHighest: boolean): Reply {
  const zset = call.database.get(args[1]!, 'zset');
  const place = zset?.rank(args[2]!);
  if (zset === undefined || place === undefined) return null;
  return fromHighest ? zset.size - 1 - place : place;
}

/** Members with their scores: flat in RESP2, pairs in RESP3. */
export function withScores(call: Call, members: readonly ScoredMember[]): Reply {
  if (call.resp === 3) return members.map(({ member, score }) => [member, { double: score }]);
  return members.flatMap(({ member, score }): Reply[] => [member, { double: score }]);
}

function pop(call: Call, args: readonly string[], highest: boolean): Reply {
  if (args.length > 3) throw syntaxError();
  const count = args.length === 3 ? readNaturalNumber(args[2]!, 'ERR value is out of range, must be positive') : undefined;
  const taken = takeExtremes(call.database, args[1]!, highest, count ?? 1);
  if (count !== undefined) return withScores(call, taken);
  return taken.flatMap(({ member, score }): Reply[] => [member, { double: score }]);
}

function multiPop(call: Call, args: readonly string[]): Reply {
  const keyCount = readNaturalNumber(args[1]!, 'ERR numkeys should be greater than 0');
  const where = args[2 + keyCount]?.toUpperCase();
  if (where !== 'MIN' && where !== 'MAX') throw syntaxError();
  const countWord = args[3 + keyCount];
  if (countWord !== undefined && countWord.toUpperCase() !== 'COUNT') throw syntaxError();
  const count = countWord === undefined ? 1 : readNaturalNumber(args[4 + keyCount] ?? '', 'ERR count should be greater than 0');
  for (const key of args.slice(2, 2 + keyCount)) {
    const taken = takeExtremes(call.database, key, where === 'MAX', count);
    if (taken.length > 0) return [key, taken.map(({ member, score }) => [member, { double: score }])];
  }
  return NULL_ARRAY;
}

function scan(call: Call, args: readonly string[]): Reply {
  const options = readScanOptions(args, 2, false);
  const members = call.database.get(args[1]!, 'zset')?.members;
  if (members === undefined) return ['0', []];
  const page = call.core.cursors.page(members, () => members.entries(), options.cursor, options.count);
  const found = page.items.filter(([member]) => options.matches(member));
  return [page.cursor, found.flatMap(([member, score]) => [member, formatDouble(score)])];
}

export const sortedSetCommands: readonly Command[] = [
  command('ZADD', -4, write, [1, 1, 1], add),
  command('ZINCRBY', 4, write, [1, 1, 1], (call, args) => add(call, ['ZADD', args[1]!, 'INCR', args[2]!, args[3]!])),
  command('ZREM', -3, ['write'], [1, 1, 1], remove),
  command('ZSCORE', 3, read, [1, 1, 1], (call, args) => scoreReply(call.database.get(args[1]!, 'zset')?.score(args[2]!))),
  command('ZMSCORE', -3, read, [1, 1, 1], (call, args) => {
    const zset = call.database.get(args[1]!, 'zset');
    return args.slice(2).map((member) => scoreReply(zset?.score(member)));
  }),
  command('ZCARD', 2, read, [1, 1, 1], (call, args) => call.database.get(args[1]!, 'zset')?.size ?? 0),
  command('ZRANK', 3, read, [1, 1, 1], (call, args) => rank(call, args, false)),
  command('ZREVRANK', 3, read, [1, 1, 1], (call, args) => rank(call, args, true)),
  command('ZPOPMIN', -2, ['write'], [1, 1, 1], (call, args) => pop(call, args, false)),
  command('ZPOPMAX', -2, ['write'], [1, 1, 1], (call, args) => pop(call, args, true)),
  command('ZMPOP', -4, ['write'], [0, 0, 0], multiPop),
  command('ZSCAN', -3, read, [1, 1, 1], scan),
];
