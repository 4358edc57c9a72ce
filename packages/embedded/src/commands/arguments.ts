import { CommandError } from '../server/reply.ts';

export const SYNTAX = 'ERR syntax error';
const NOT_INTEGER = 'ERR value is not an integer or out of range';

export function syntaxError(): CommandError {
  return new CommandError(SYNTAX);
}

/** A whole number that JavaScript holds exactly. */
export function readInteger(text: string, message: string = NOT_INTEGER): number {
  if (!/^-?(0|[1-9]\d{0,18})$/.test(text)) throw new CommandError(message);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) return value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  return value;
}

export function readNaturalNumber(text: string, message: string): number {
  const value = readInteger(text, message);
  if (value < 0) throw new CommandError(message);
  return value;
}

/** A 64-bit integer as Redis stores it. */
export function readBigInteger(text: string, message: string = NOT_INTEGER): bigint {
  if (!/^-?(0|[1-9]\d{0,18})$/.test(text) || text === '-0') throw new CommandError(message);
  const value = BigInt(text);
  if (value !== BigInt.asIntN(64, value)) throw new CommandError(message);
  return value;
}

const floatShape = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export function readFloat(text: string, message = 'ERR value is not a valid float'): number {
  if (floatShape.test(text)) return Number(text);
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  throw new CommandError(message);
}

/** A timeout of a blocking command in seconds, as milliseconds; 0 = for ever. */
export function readTimeoutMs(text: string): number {
  const seconds = readFloat(text, 'ERR timeout is not a float or out of range');
  if (!Number.isFinite(seconds) || seconds > 1e12) throw new CommandError('ERR timeout is not a float or out of range');
  if (seconds < 0) throw new CommandError('ERR timeout is negative');
  return Math.ceil(seconds * 1000);
}

/** Start and end (exclusive) inside a list of `size`, from Redis' inclusive, possibly negative indexes. */
export function clampRange(startText: string, stopText: string, size: number): { start: number; end: number } {
  const first = readInteger(startText);
  const last = readInteger(stopText);
  const start = first < 0 ? Math.max(size + first, 0) : first;
  const end = Math.min(last < 0 ? size + last : last, size - 1) + 1;
  return start >= end ? { start: 0, end: 0 } : { start, end };
}
