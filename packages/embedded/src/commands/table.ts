import { CommandError, type Reply } from '../server/reply.ts';
import { blockingCommands } from './blocking.ts';
import { clientCommands } from './client-command.ts';
import { type Call, type Command, command, keysOf } from './command.ts';
import { connectionCommands } from './connection.ts';
import { hashCommands } from './hashes.ts';
import { keyCommands } from './keys.ts';
import { listCommands } from './lists.ts';
import { pubsubCommands } from './pubsub.ts';
import { scriptCommands } from './scripts.ts';
import { serverCommands } from './server-facts.ts';
import { setCommands } from './sets.ts';
import { sortedSetRangeCommands } from './sorted-set-ranges.ts';
import { sortedSetCommands } from './sorted-sets.ts';
import { stringCommands } from './strings.ts';
import { transactionCommands } from './transactions.ts';

const commands: readonly Command[] = [
  ...connectionCommands,
  ...clientCommands,
  ...serverCommands,
  ...keyCommands,
  ...stringCommands,
  ...listCommands,
  ...blockingCommands,
  ...hashCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...sortedSetRangeCommands,
  ...transactionCommands,
  ...pubsubCommands,
  ...scriptCommands,
  command('COMMAND', -1, [], [0, 0, 0], describeCommands),
];

/** Upper and lower case, so that the usual spellings need no conversion. */
const byName: ReadonlyMap<string, Command> = new Map(
  commands.flatMap((each): [string, Command][] => [
    [each.name, each],
    [each.name.toLowerCase(), each],
  ]),
);

export function findCommand(name: string): Command | undefined {
  return byName.get(name) ?? byName.get(name.toUpperCase());
}

export function commandNames(): readonly string[] {
  return commands.map((each) => each.name);
}

function describe({ name, arity, flags, keys }: Command): Reply {
  const shown = flags.filter((flag) => flag !== 'immediate' && flag !== 'subscribed' && flag !== 'script');
  return [
    name.toLowerCase(),
    arity,
    { set: shown.map((flag): Reply => ({ status: flag })) },
    ...keys,
    { set: [] },
    { set: [] },
    { set: [] },
    { set: [] },
  ];
}

function describeCommands(_call: Call, args: readonly string[]): Reply {
  const what = args[1]?.toUpperCase();
  if (what === undefined) return commands.map(describe);
  if (what === 'COUNT') return commands.length;
  if (what === 'LIST') return commands.map((each) => each.name.toLowerCase());
  if (what === 'DOCS') return { map: [] };
  if (what === 'INFO') {
    const wanted = args.length > 2 ? args.slice(2) : commandNames();
    return wanted.map((name) => {
      const found = findCommand(name);
      return found === undefined ? null : describe(found);
    });
  }
  if (what === 'GETKEYS') {
    const found = findCommand(args[2] ?? '');
    if (found === undefined) throw new CommandError('ERR Invalid command specified');
    return keysOf(found, args.slice(2));
  }
  throw new CommandError(`ERR unknown subcommand '${args[1]}'. Try COMMAND HELP.`);
}
