import { Socket } from 'node:net';
import type { Core } from '../commands/command.ts';
import { Client } from '../server/client.ts';
import { isFailure } from '../server/reply.ts';
import { replay } from './replay.ts';

/** Runs a log against the keys of a broker that does not listen yet; answers how many bytes of it are whole. */
export function replayInto(path: string, core: Core): number {
  const client = new Client(0, new Socket(), core.keyspace.databases[0]!, () => undefined);
  const validBytes = replay(path, (args) => {
    const reply = core.invoke({ core, client, database: client.database, resp: 2, within: 'exec', fromLog: true }, args);
    if (reply !== null && isFailure(reply)) throw new Error(`${path} cannot be replayed: ${args[0]} answered ${reply.error}`);
  });
  core.counters.commands = 0;
  core.counters.byCommand.clear();
  return validBytes;
}
