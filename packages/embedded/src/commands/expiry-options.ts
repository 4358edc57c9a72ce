import { CommandError } from '../server/reply.ts';
import { readInteger, syntaxError } from './arguments.ts';
import type { Call } from './command.ts';

/** `EX`, `PX`, `EXAT` or `PXAT` with its value, as milliseconds since the epoch. */
export function readExpiryOption(call: Call, word: string, text: string, commandName: string): number {
  if (word !== 'EX' && word !== 'PX' && word !== 'EXAT' && word !== 'PXAT') throw syntaxError();
  const time = readInteger(text);
  const timeMs = word === 'EX' || word === 'EXAT' ? time * 1000 : time;
  const atMs = word === 'EX' || word === 'PX' ? call.core.keyspace.now() + timeMs : timeMs;
  if (time <= 0 || atMs > Number.MAX_SAFE_INTEGER) throw new CommandError(`ERR invalid expire time in '${commandName}' command`);
  return atMs;
}
