import { costOf } from '../keyspace/entry.ts';
import { compileGlob } from '../pubsub/glob.ts';
import { CommandError, OK, type Reply } from '../server/reply.ts';
import { type Call, type Command, type Core, command } from './command.ts';

/** The Redis whose answers this broker gives. */
export const REDIS_VERSION = '7.0.15';

type Section = (core: Core) => readonly (readonly [string, string | number])[];

const sections: Readonly<Record<string, Section>> = {
  server: ({ facts }) => [
    ['redis_version', REDIS_VERSION],
    ['redis_mode', 'standalone'],
    ['server_name', 'celeriac-embedded'],
    ['os', `${process.platform} ${process.arch}`],
    ['process_id', process.pid],
    ['run_id', facts.runId],
    ['tcp_port', facts.port],
    ['uptime_in_seconds', Math.floor((Date.now() - facts.startedMs) / 1000)],
    ['hz', 10],
  ],
  clients: ({ clients, waiters, tracked }) => [
    ['connected_clients', clients.size],
    ['maxclients', 10_000],
    ['blocked_clients', waiters.count],
    ['tracking_clients', [...clients.keys()].filter((id) => tracked.modeOf(id) !== undefined).length],
  ],
  memory: ({ keyspace, facts }) => [
    ['used_memory', keyspace.usedBytes],
    ['used_memory_rss', process.memoryUsage.rss()],
    ['maxmemory', facts.maxMemoryBytes],
    ['maxmemory_policy', 'noeviction'],
  ],
  persistence: ({ facts }) => [
    ['loading', 0],
    ['aof_enabled', facts.dbFile === undefined ? 0 : 1],
    ['rdb_changes_since_last_save', 0],
  ],
  stats: ({ counters, subscriptions, keyspace, tracked }) => [
    ['total_connections_received', counters.connections],
    ['total_commands_processed', counters.commands],
    ['expired_keys', counters.expiredKeys],
    ['evicted_keys', 0],
    ['evicted_clients', counters.evictedClients],
    ['pubsub_channels', [...subscriptions.channelNames].length],
    ['pubsub_patterns', subscriptions.patternCount],
    ['tracking_total_keys', tracked.keyCount],
    ['changes', keyspace.changes],
  ],
  replication: () => [
    ['role', 'master'],
    ['connected_slaves', 0],
  ],
  cluster: () => [['cluster_enabled', 0]],
  keyspace: ({ keyspace }) =>
    keyspace.databases
      .filter((database) => database.size > 0)
      .map((database) => [`db${database.index}`, `keys=${database.size},expires=${database.volatileCount},avg_ttl=0`]),
  commandstats: ({ counters }) => [...counters.byCommand].map(([name, calls]) => [`cmdstat_${name.toLowerCase()}`, `calls=${calls}`]),
};
const notByDefault = new Set(['commandstats']);

function info({ core }: Call, args: readonly string[]): Reply {
  const wanted = args.slice(1).map((word) => word.toLowerCase());
  const everything = wanted.includes('all') || wanted.includes('everything');
  const standard = wanted.length === 0 || wanted.includes('default');
  const names = Object.keys(sections).filter((name) => everything || wanted.includes(name) || (standard && !notByDefault.has(name)));
  const texts = names.map((name) => {
    const title = name[0]!.toUpperCase() + name.slice(1);
    const lines = sections[name]!(core).map(([field, value]) => `${field}:${value}\r\n`);
    return `# ${title}\r\n${lines.join('')}`;
  });
  return { verbatim: texts.join('\r\n') };
}

const settings: Readonly<Record<string, (core: Core) => string>> = {
  maxmemory: ({ facts }) => String(facts.maxMemoryBytes),
  'maxmemory-policy': () => 'noeviction',
  databases: ({ keyspace }) => String(keyspace.databases.length),
  appendonly: ({ facts }) => (facts.dbFile === undefined ? 'no' : 'yes'),
  appendfsync: () => 'everysec',
  save: () => '',
  bind: () => '127.0.0.1',
  port: ({ facts }) => String(facts.port),
  timeout: () => '0',
  requirepass: () => '',
  'notify-keyspace-events': () => '',
  'proto-max-bulk-len': () => String(512 * 1024 * 1024),
};

function config({ core }: Call, args: readonly string[]): Reply {
  const what = args[1]!.toUpperCase();
  if (what === 'GET' && args.length >= 3) {
    const matchers = args.slice(2).map((pattern) => compileGlob(pattern.toLowerCase()));
    const names = Object.keys(settings).filter((name) => matchers.some((matches) => matches(name)));
    return { map: names.map((name) => [name, settings[name]!(core)]) };
  }
  if (what === 'SET') throw new CommandError('ERR CONFIG SET is not supported by this broker; it is configured when it is started');
  if (what === 'RESETSTAT') {
    core.counters.byCommand.clear();
    return OK;
  }
  throw new CommandError(`ERR unknown subcommand or wrong number of arguments for '${args[1]}'. Try CONFIG HELP.`);
}

function time({ core }: Call): Reply {
  const nowMs = core.keyspace.now();
  const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000) % 1000;
  return [String(Math.floor(nowMs / 1000)), String((nowMs % 1000) * 1000 + micros)];
}

function memory(call: Call, args: readonly string[]): Reply {
  const what = args[1]!.toUpperCase();
  if (what === 'USAGE' && args.length >= 3) {
    const entry = call.database.find(args[2]!);
    return entry === undefined ? null : costOf(args[2]!, entry.value);
  }
  if (what === 'STATS') return { map: [['keys.bytes', call.core.keyspace.usedBytes]] };
  throw new CommandError(`ERR unknown subcommand or wrong number of arguments for '${args[1]}'. Try MEMORY HELP.`);
}

function rewrite({ core }: Call): Reply {
  if (!core.rewriteLog()) throw new CommandError('ERR this broker keeps nothing on disk; start it with a file');
  return { status: 'Background append only file rewriting started' };
}

export const serverCommands: readonly Command[] = [
  command('INFO', -1, [], [0, 0, 0], info),
  command('CONFIG', -2, ['noscript', 'admin'], [0, 0, 0], config),
  command('TIME', 1, [], [0, 0, 0], time),
  command('MEMORY', -2, ['readonly'], [0, 0, 0], memory),
  command('ROLE', 1, [], [0, 0, 0], () => ['master', 0, []]),
  command('WAIT', 3, ['noscript'], [0, 0, 0], () => 0),
  command('LASTSAVE', 1, [], [0, 0, 0], ({ core }) => Math.floor(core.facts.startedMs / 1000)),
  command('BGREWRITEAOF', 1, ['noscript', 'admin'], [0, 0, 0], rewrite),
];
