import type { TrackingMode } from '../keyspace/tracked-keys.ts';
import type { Client } from '../server/client.ts';
import { CommandError, OK, type Reply } from '../server/reply.ts';
import { readInteger, syntaxError } from './arguments.ts';
import { type Call, type Command, command, NO_REPLY } from './command.ts';
import { readName } from './connection.ts';

type Subcommand = (call: Call, args: readonly string[]) => Reply | typeof NO_REPLY;

function describe(client: Client): string {
  const fields: Record<string, string | number> = {
    id: client.id,
    addr: `${client.socket.remoteAddress ?? '?'}:${client.socket.remotePort ?? 0}`,
    laddr: `${client.socket.localAddress ?? '?'}:${client.socket.localPort ?? 0}`,
    fd: 0,
    name: client.name,
    age: Math.floor((Date.now() - client.createdMs) / 1000),
    idle: Math.floor((Date.now() - client.lastActiveMs) / 1000),
    flags: flagsOf(client),
    db: client.database.index,
    sub: client.channels.size,
    psub: client.patterns.size,
    multi: client.transaction?.queue.length ?? -1,
    qbuf: client.requestBytes,
    omem: client.outputBytes,
    cmd: client.lastCommand.toLowerCase(),
    user: 'default',
    resp: client.resp,
    'lib-name': client.libraryName,
    'lib-ver': client.libraryVersion,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function flagsOf(client: Client): string {
  const flags = `${client.isSubscribed ? 'P' : ''}${client.waiter ? 'b' : ''}${client.transaction ? 'x' : ''}`;
  return flags === '' ? 'N' : flags;
}

function list({ core }: Call, args: readonly string[]): Reply {
  let chosen = [...core.clients.values()];
  const filter = args[2]?.toUpperCase();
  if (filter === 'TYPE') chosen = chosen.filter((client) => client.isSubscribed === (args[3]?.toLowerCase() === 'pubsub'));
  else if (filter === 'ID') chosen = chosen.filter((client) => args.slice(3).includes(String(client.id)));
  else if (filter !== undefined) throw syntaxError();
  return { verbatim: chosen.map((client) => `${describe(client)}\n`).join('') };
}

function setInfo({ client }: Call, args: readonly string[]): Reply {
  const value = args[3] ?? '';
  if (/[^!-~]/.test(value)) throw new CommandError(`ERR ${args[2]} cannot contain spaces, newlines or special characters.`);
  const what = args[2]?.toUpperCase();
  if (what === 'LIB-NAME') client.libraryName = value;
  else if (what === 'LIB-VER') client.libraryVersion = value;
  else throw new CommandError(`ERR Unrecognized option '${args[2]}'`);
  return OK;
}

function unblock({ core }: Call, args: readonly string[]): Reply {
  const how = args[3]?.toUpperCase() ?? 'TIMEOUT';
  if (how !== 'TIMEOUT' && how !== 'ERROR') throw new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  const other = core.clients.get(readInteger(args[2]!));
  if (other?.waiter === undefined) return 0;
  other.unblock?.(how === 'ERROR' ? { error: 'UNBLOCKED client unblocked via CLIENT UNBLOCK' } : undefined);
  return 1;
}

function kill({ core, client }: Call, args: readonly string[]): Reply {
  const old = args.length === 3;
  let chosen = [...core.clients.values()];
  let skipMe = true;
  if (old) chosen = chosen.filter((each) => `${each.socket.remoteAddress}:${each.socket.remotePort}` === args[2]);
  for (let at = 2; !old && at < args.length; at += 2) {
    const word = args[at]!.toUpperCase();
    const value = args[at + 1] ?? '';
    if (word === 'ID') chosen = chosen.filter((each) => each.id === readInteger(value));
    else if (word === 'ADDR') chosen = chosen.filter((each) => `${each.socket.remoteAddress}:${each.socket.remotePort}` === value);
    else if (word === 'TYPE') chosen = chosen.filter((each) => each.isSubscribed === (value.toLowerCase() === 'pubsub'));
    else if (word === 'SKIPME') skipMe = value.toLowerCase() === 'yes';
    else throw syntaxError();
  }
  if (old && chosen.length === 0) throw new CommandError('ERR No such client');
  for (const each of chosen) {
    if (each === client && skipMe && !old) continue;
    if (each === client) each.closeAfterFlush = true;
    else core.closeClient(each);
  }
  return old ? OK : chosen.filter((each) => each !== client || !skipMe).length;
}

function tracking({ client, core }: Call, args: readonly string[]): Reply {
  const state = args[2]?.toUpperCase();
  if (state === 'OFF') {
    core.tracked.disable(client.id);
    return OK;
  }
  if (state !== 'ON') throw syntaxError();
  const mode = readTrackingMode(args);
  if (mode.redirect !== 0 && !core.clients.has(mode.redirect)) {
    throw new CommandError('ERR The client ID you want redirect to does not exist');
  }
  core.tracked.enable(client.id, mode);
  return OK;
}

function readTrackingMode(args: readonly string[]): TrackingMode {
  const mode = { redirect: 0, broadcast: false, prefixes: [] as string[], opt: 'none' as TrackingMode['opt'], noLoop: false };
  for (let at = 3; at < args.length; at += 1) {
    const word = args[at]!.toUpperCase();
    if (word === 'REDIRECT' && at + 1 < args.length) mode.redirect = readInteger(args[++at]!);
    else if (word === 'PREFIX' && at + 1 < args.length) mode.prefixes.push(args[++at]!);
    else if (word === 'BCAST') mode.broadcast = true;
    else if (word === 'NOLOOP') mode.noLoop = true;
    else if (word === 'OPTIN') mode.opt = 'in';
    else if (word === 'OPTOUT') mode.opt = 'out';
    else throw syntaxError();
  }
  if (mode.prefixes.length > 0 && !mode.broadcast) throw new CommandError('ERR PREFIX option requires BCAST mode to be enabled');
  if (mode.broadcast && mode.prefixes.length === 0) mode.prefixes.push('');
  return mode;
}

function trackingInfo({ client, core }: Call): Reply {
  const mode = core.tracked.modeOf(client.id);
  const flags = mode === undefined ? ['off'] : ['on'];
  if (mode?.broadcast) flags.push('bcast');
  if (mode?.opt === 'in' || mode?.opt === 'out') flags.push(`opt${mode.opt}`);
  if (mode?.noLoop) flags.push('noloop');
  return {
    map: [
      ['flags', { set: flags }],
      ['redirect', mode?.redirect ?? -1],
      ['prefixes', { set: mode?.prefixes ?? [] }],
    ],
  };
}

function caching({ client, core }: Call, args: readonly string[]): Reply {
  const opt = core.tracked.modeOf(client.id)?.opt ?? 'none';
  if (opt === 'none') {
    throw new CommandError('ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled');
  }
  const wish = args[2]?.toLowerCase();
  if (!((wish === 'yes' && opt === 'in') || (wish === 'no' && opt === 'out'))) {
    throw new CommandError(
      `ERR CLIENT CACHING ${wish?.toUpperCase()} is only valid when tracking is enabled in OPT${wish === 'no' ? 'OUT' : 'IN'} mode.`,
    );
  }
  client.cachingNext = wish === 'yes';
  return OK;
}

function replyMode({ client }: Call, args: readonly string[]): Reply | typeof NO_REPLY {
  const mode = args[2]?.toUpperCase();
  if (mode === 'ON') {
    client.replyMode = 'on';
    return OK;
  }
  if (mode !== 'OFF' && mode !== 'SKIP') throw syntaxError();
  client.replyMode = mode === 'OFF' ? 'off' : 'skip';
  return NO_REPLY;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  ID: ({ client }) => client.id,
  GETNAME: ({ client }) => (client.name === '' ? null : client.name),
  SETNAME: ({ client }, args) => {
    client.name = readName(args[2] ?? '');
    return OK;
  },
  SETINFO: setInfo,
  INFO: ({ client }) => ({ verbatim: `${describe(client)}\n` }),
  LIST: list,
  KILL: kill,
  UNBLOCK: unblock,
  TRACKING: tracking,
  TRACKINGINFO: trackingInfo,
  CACHING: caching,
  GETREDIR: ({ client, core }) => core.tracked.modeOf(client.id)?.redirect ?? -1,
  REPLY: replyMode,
  'NO-EVICT': () => OK,
  'NO-TOUCH': () => OK,
};

function run(call: Call, args: readonly string[]): Reply | typeof NO_REPLY {
  const subcommand = subcommands[args[1]!.toUpperCase()];
  if (subcommand === undefined) throw new CommandError(`ERR unknown subcommand '${args[1]}'. Try CLIENT HELP.`);
  return subcommand(call, args);
}

export const clientCommands: readonly Command[] = [command('CLIENT', -2, ['noscript', 'admin'], [0, 0, 0], run)];
