import { CommandError, OK, type Reply } from '../server/reply.ts';
import { readInteger } from './arguments.ts';
import { type Call, type Command, command, NO_REPLY } from './command.ts';
import { REDIS_VERSION } from './server-facts.ts';
import { discardTransaction } from './transactions.ts';

function ping({ client, resp }: Call, args: readonly string[]): Reply {
  if (args.length > 2) throw new CommandError("ERR wrong number of arguments for 'ping' command");
  if (client.isSubscribed && resp === 2) return ['pong', args[1] ?? ''];
  return args[1] ?? { status: 'PONG' };
}

function select({ client, core }: Call, args: readonly string[]): Reply {
  const database = core.keyspace.databases[readInteger(args[1]!)];
  if (database === undefined) throw new CommandError('ERR DB index is out of range');
  client.database = database;
  return OK;
}

function refusePassword(args: readonly string[]): never {
  if (args.length === 2) {
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  }
  throw new CommandError('WRONGPASS invalid username-password pair or user is disabled.');
}

/** Without a password the default user may say any. */
function authenticate(_call: Call, args: readonly string[]): Reply {
  if (args.length > 3) throw new CommandError('ERR syntax error');
  if (args.length === 3 && args[1] === 'default') return OK;
  return refusePassword(args);
}

function hello({ client }: Call, args: readonly string[]): Reply {
  const version = args.length > 1 ? args[1]! : String(client.resp);
  if (!/^-?\d+$/.test(version)) throw new CommandError('ERR Protocol version is not an integer or out of range');
  if (version !== '2' && version !== '3') throw new CommandError('NOPROTO unsupported protocol version');
  let name: string | undefined;
  for (let at = 2; at < args.length; at += 1) {
    const word = args[at]!.toUpperCase();
    if (word === 'SETNAME' && at + 1 < args.length) name = readName(args[++at]!);
    else if (word === 'AUTH' && at + 2 < args.length) {
      if (args[at + 1] !== 'default') refusePassword(['', '', '']);
      at += 2;
    } else throw new CommandError(`ERR Syntax error in HELLO option '${args[at]}'`);
  }
  if (name !== undefined) client.name = name;
  client.resp = version === '3' ? 3 : 2;
  return {
    map: [
      ['server', 'redis'],
      ['version', REDIS_VERSION],
      ['proto', client.resp],
      ['id', client.id],
      ['mode', 'standalone'],
      ['role', 'master'],
      ['modules', []],
    ],
  };
}

export function readName(text: string): string {
  if (/[^!-~]/.test(text)) throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');
  return text;
}

function quit({ client }: Call): Reply {
  client.closeAfterFlush = true;
  return OK;
}

function reset(call: Call): Reply | typeof NO_REPLY {
  const { client, core } = call;
  discardTransaction(call);
  core.subscriptions.drop(client);
  core.tracked.disable(client.id);
  client.resp = 2;
  client.name = '';
  client.replyMode = 'on';
  client.database = core.keyspace.databases[0]!;
  client.send({ status: 'RESET' });
  return NO_REPLY;
}

const anywhere = ['noscript', 'immediate', 'subscribed'] as const;

export const connectionCommands: readonly Command[] = [
  command('PING', -1, ['subscribed'], [0, 0, 0], ping),
  command('ECHO', 2, [], [0, 0, 0], (_call, args) => args[1]!),
  command('SELECT', 2, ['noscript'], [0, 0, 0], select),
  command('AUTH', -2, ['noscript'], [0, 0, 0], authenticate),
  command('HELLO', -1, ['noscript'], [0, 0, 0], hello),
  command('QUIT', -1, anywhere, [0, 0, 0], quit),
  command('RESET', 1, anywhere, [0, 0, 0], reset),
];
