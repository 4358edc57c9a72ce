import { CommandError, NULL_ARRAY, OK, type Reply } from '../server/reply.ts';
import { type Call, type Command, command } from './command.ts';

function begin({ client }: Call): Reply {
  if (client.transaction !== undefined) throw new CommandError('ERR MULTI calls can not be nested');
  client.transaction = { queue: [], bytes: 0, failed: false };
  return OK;
}

function execute(call: Call): Reply {
  const { client, core } = call;
  const { transaction } = client;
  if (transaction === undefined) throw new CommandError('ERR EXEC without MULTI');
  core.watched.refresh(client);
  const broken = client.watchBroken;
  discardTransaction(call);
  if (transaction.failed) throw new CommandError('EXECABORT Transaction discarded because of previous errors.');
  if (broken) return NULL_ARRAY;
  return core.keyspace.atOneInstant(() =>
    core.recordTogether(() => {
      const replies: Reply[] = [];
      for (const args of transaction.queue) {
        replies.push(core.invoke({ core, client, database: client.database, resp: client.resp, within: 'exec' }, args));
      }
      return replies;
    }),
  );
}

/** Leaves the transaction and forgets what was watched. */
export function discardTransaction({ client, core }: Call): void {
  client.transaction = undefined;
  core.watched.unwatch(client);
}

function discard(call: Call): Reply {
  if (call.client.transaction === undefined) throw new CommandError('ERR DISCARD without MULTI');
  discardTransaction(call);
  return OK;
}

function watch({ client, core, database }: Call, args: readonly string[]): Reply {
  if (client.transaction !== undefined) throw new CommandError('ERR WATCH inside MULTI is not allowed');
  for (const key of args.slice(1)) core.watched.watch(client, database, key);
  return OK;
}

const flags = ['noscript', 'immediate'] as const;

export const transactionCommands: readonly Command[] = [
  command('MULTI', 1, flags, [0, 0, 0], begin),
  command('EXEC', 1, flags, [0, 0, 0], execute),
  command('DISCARD', 1, flags, [0, 0, 0], discard),
  command('WATCH', -2, flags, [1, -1, 1], watch),
  command('UNWATCH', 1, ['noscript'], [0, 0, 0], ({ client, core }) => {
    core.watched.unwatch(client);
    return OK;
  }),
];
