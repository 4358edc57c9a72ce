import { CommandError, OK, type Reply } from '../server/reply.ts';
import { readInteger } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';

function splitKeys(args: readonly string[]): { keys: readonly string[]; argv: readonly string[] } {
  const count = readInteger(args[2]!);
  if (count > args.length - 3) throw new CommandError("ERR Number of keys can't be greater than number of args");
  if (count < 0) throw new CommandError("ERR Number of keys can't be negative");
  return { keys: args.slice(3, 3 + count), argv: args.slice(3 + count) };
}

function evaluate(readOnly: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const { keys, argv } = splitKeys(args);
    return call.core.scripts.run(call, call.core.scripts.remember(args[1]!, false), keys, argv, readOnly);
  };
}

function evaluateSha(readOnly: boolean) {
  return (call: Call, args: readonly string[]): Reply => {
    const { keys, argv } = splitKeys(args);
    return call.core.scripts.run(call, args[1]!.toLowerCase(), keys, argv, readOnly);
  };
}

function manage({ core }: Call, args: readonly string[]): Reply {
  const what = args[1]!.toUpperCase();
  if (what === 'LOAD' && args.length === 3) return core.scripts.load(args[2]!);
  if (what === 'EXISTS' && args.length >= 3) return args.slice(2).map((sha) => (core.scripts.has(sha.toLowerCase()) ? 1 : 0));
  if (what === 'FLUSH') {
    core.scripts.flush();
    return OK;
  }
  if (what === 'KILL') throw new CommandError('NOTBUSY No scripts in execution right now.');
  throw new CommandError(`ERR unknown subcommand or wrong number of arguments for '${args[1]}'. Try SCRIPT HELP.`);
}

export const scriptCommands: readonly Command[] = [
  command('EVAL', -3, ['noscript', 'script'], [0, 0, 0], evaluate(false)),
  command('EVALSHA', -3, ['noscript', 'script'], [0, 0, 0], evaluateSha(false)),
  command('EVAL_RO', -3, ['noscript', 'script'], [0, 0, 0], evaluate(true)),
  command('EVALSHA_RO', -3, ['noscript', 'script'], [0, 0, 0], evaluateSha(true)),
  command('SCRIPT', -2, ['noscript', 'script'], [0, 0, 0], manage),
];
