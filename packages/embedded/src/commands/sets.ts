import { CommandError, type Reply } from '../server/reply.ts';
import { readInteger, readNaturalNumber } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { readScanOptions } from './scan-options.ts';

const write = ['write', 'denyoom'] as const;
const read = ['readonly'] as const;

function add(call: Call, args: readonly string[]): Reply {
  const set = call.database.getOrCreate(args[1]!, 'set');
  let added = 0;
  for (let at = 2; at < args.length; at += 1) if (set.add(args[at]!)) added += 1;
  if (added > 0) call.database.touch(args[1]!);
  return added;
}

function remove(call: Call, args: readonly string[]): Reply {
  const set = call.database.get(args[1]!, 'set');
  if (set === undefined) return 0;
  let removed = 0;
  for (let at = 2; at < args.length; at += 1) if (set.delete(args[at]!)) removed += 1;
  if (removed > 0) call.database.touch(args[1]!);
  return removed;
}

function membersOf(call: Call, key: string): ReadonlySet<string> {
  return call.database.get(key, 'set')?.members ?? new Set();
}

/** `count` different members in random order. */
function sample(members: ReadonlySet<string>, count: number): string[] {
  const all = [...members];
  const wanted = Math.min(count, all.length);
  for (let at = 0; at < wanted; at += 1) {
    const other = at + Math.floor(Math.random() * (all.length - at));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all.slice(0, wanted);
}

function pop(call: Call, args: readonly string[]): Reply {
  if (args.length > 3) throw new CommandError('ERR syntax error');
  const count = args.length === 3 ? readNaturalNumber(args[2]!, 'ERR value is out of range, must be positive') : undefined;
  const taken = sample(membersOf(call, args[1]!), count ?? 1);
  if (taken.length > 0) {
    remove(call, ['SREM', args[1]!, ...taken]);
    call.effects = [['SREM', args[1]!, ...taken]];
  }
  return count === undefined ? (taken[0] ?? null) : { set: taken };
}

function randomMember(call: Call, args: readonly string[]): Reply {
  const members = membersOf(call, args[1]!);
  if (args.length === 2) return sample(members, 1)[0] ?? null;
  const count = readInteger(args[2]!);
  if (count >= 0) return sample(members, count);
  const all = [...members];
  return all.length === 0 ? [] : Array.from({ length: -count }, () => all[Math.floor(Math.random() * all.length)]!);
}

function move(call: Call, args: readonly string[]): Reply {
  const [, from, to, member] = args as [string, string, string, string];
  const source = call.database.get(from, 'set');
  call.database.get(to, 'set');
  if (!source?.has(member)) return 0;
  if (from === to) return 1;
  source.delete(member);
  call.database.touch(from);
  call.database.getOrCreate(to, 'set').add(member);
  call.database.touch(to);
  return 1;
}

function intersect(call: Call, args: readonly string[]): Reply {
  const [first, ...others] = args.slice(1).map((key) => membersOf(call, key));
  return { set: [...first!].filter((member) => others.every((other) => other.has(member))) };
}

function subtract(call: Call, args: readonly string[]): Reply {
  const [first, ...others] = args.slice(1).map((key) => membersOf(call, key));
  return { set: [...first!].filter((member) => !others.some((other) => other.has(member))) };
}

function unite(call: Call, args: readonly string[]): Reply {
  return { set: [...new Set(args.slice(1).flatMap((key) => [...membersOf(call, key)]))] };
}

function scan(call: Call, args: readonly string[]): Reply {
  const options = readScanOptions(args, 2, false);
  const members = membersOf(call, args[1]!);
  const page = call.core.cursors.page(members, () => members.values(), options.cursor, options.count);
  return [page.cursor, page.items.filter(options.matches)];
}

export const setCommands: readonly Command[] = [
  command('SADD', -3, write, [1, 1, 1], add),
  command('SREM', -3, ['write'], [1, 1, 1], remove),
  command('SMEMBERS', 2, read, [1, 1, 1], (call, args) => ({ set: [...membersOf(call, args[1]!)] })),
  command('SISMEMBER', 3, read, [1, 1, 1], (call, args) => (membersOf(call, args[1]!).has(args[2]!) ? 1 : 0)),
  command('SMISMEMBER', -3, read, [1, 1, 1], (call, args) => args.slice(2).map((each) => (membersOf(call, args[1]!).has(each) ? 1 : 0))),
  command('SCARD', 2, read, [1, 1, 1], (call, args) => membersOf(call, args[1]!).size),
  command('SPOP', -2, ['write'], [1, 1, 1], pop),
  command('SRANDMEMBER', -2, read, [1, 1, 1], randomMember),
  command('SMOVE', 4, ['write'], [1, 2, 1], move),
  command('SINTER', -2, read, [1, -1, 1], intersect),
  command('SUNION', -2, read, [1, -1, 1], unite),
  command('SDIFF', -2, read, [1, -1, 1], subtract),
  command('SSCAN', -3, read, [1, 1, 1], scan),
];
