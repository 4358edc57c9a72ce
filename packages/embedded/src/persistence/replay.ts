import { closeSync, openSync, readSync } from 'node:fs';
import { ProtocolError, RequestParser } from '../server/request-parser.ts';

const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * Runs every whole command of a log; a MULTI without its EXEC is not run. Answers where the log stops being whole, in
 * bytes: what lies behind is a write that was cut off. A missing file is an empty log.
 */
export function replay(path: string, run: (args: readonly string[]) => void): number {
  const file = openForReading(path);
  if (file === undefined) return 0;
  const parser = new RequestParser();
  const piece = Buffer.alloc(PIECE_BYTES);
  let group: string[][] | undefined;
  let parsed = 0;
  let valid = 0;
  const take = (args: string[]): void => {
    parsed += sizeOf(args);
    if (args[0] === 'MULTI') group = [];
    else if (args[0] === 'EXEC') {
      for (const each of group ?? []) run(each);
      group = undefined;
    } else if (group === undefined) run(args);
    else group.push(args);
    if (group === undefined) valid = parsed;
  };
  try {
    for (;;) {
      const length = readSync(file, piece, 0, piece.length, null);
      if (length === 0) return valid;
      parser.feed(Buffer.from(piece.subarray(0, length)), take);
    }
  } catch (error) {
    if (error instanceof ProtocolError) return valid;
    throw error;
  } finally {
    closeSync(file);
  }
}

function openForReading(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Length of a command as the log writes it. */
function sizeOf(args: readonly string[]): number {
  let size = String(args.length).length + 3;
  for (const arg of args) size += String(arg.length).length + 5 + arg.length;
  return size;
}
