import { compileGlob } from '../pubsub/glob.ts';
import { CommandError } from '../server/reply.ts';
import { readInteger, syntaxError } from './arguments.ts';

export interface ScanOptions {
  readonly cursor: string;
  readonly count: number;
  readonly matches: (text: string) => boolean;
  readonly type: string | undefined;
}

/** Cursor, MATCH, COUNT and, for SCAN itself, TYPE, from the word at `from` on. */
export function readScanOptions(args: readonly string[], from: number, withType: boolean): ScanOptions {
  const cursor = args[from]!;
  if (!/^\d{1,20}$/.test(cursor)) throw new CommandError('ERR invalid cursor');
  let count = 10;
  let matches: (text: string) => boolean = () => true;
  let type: string | undefined;
  for (let at = from + 1; at < args.length; at += 2) {
    const word = args[at]!.toUpperCase();
    const value = args[at + 1];
    if (value === undefined) throw syntaxError();
    if (word === 'COUNT') count = readInteger(value);
    else if (word === 'MATCH') matches = compileGlob(value);
    else if (word === 'TYPE' && withType) type = value.toLowerCase();
    else throw syntaxError();
  }
  if (count < 1) throw syntaxError();
  return { cursor, count, matches, type };
}
