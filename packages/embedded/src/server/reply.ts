/** Protocol version of one connection: 2 until `HELLO 3`. */
export type RespVersion = 2 | 3;

export interface Status {
  readonly status: string;
}
export interface Failure {
  readonly error: string;
}
export interface MapReply {
  readonly map: readonly (readonly [Reply, Reply])[];
}
export interface SetReply {
  readonly set: readonly Reply[];
}
export interface DoubleReply {
  readonly double: number;
}
export interface BooleanReply {
  readonly bool: boolean;
}
export interface VerbatimReply {
  readonly verbatim: string;
}
export interface PushReply {
  readonly push: readonly Reply[];
}
export interface NullArray {
  readonly nullArray: true;
}

/**
 * What a command answers, before it is written as RESP2 or RESP3.
 * Strings are bulk strings and hold one byte per character (latin1), as every key and value of this package does.
 */
export type Reply =
  | null
  | number
  | bigint
  | string
  | readonly Reply[]
  | Status
  | Failure
  | MapReply
  | SetReply
  | DoubleReply
  | BooleanReply
  | VerbatimReply
  | PushReply
  | NullArray;

export const OK: Status = { status: 'OK' };
export const QUEUED: Status = { status: 'QUEUED' };
/** `*-1` in RESP2: what a blocking pop answers at its timeout and an aborted EXEC. */
export const NULL_ARRAY: NullArray = { nullArray: true };

/** An error reply that a command handler throws; `message` begins with the error's class word. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export function isFailure(reply: Reply): reply is Failure {
  return reply !== null && typeof reply === 'object' && 'error' in reply;
}

/** Redis' spelling of a double: shortest form that reads back as the same number. */
export function formatDouble(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

/** The reply as bytes on the wire, one character per byte. */
export function encodeReply(reply: Reply, resp: RespVersion): string {
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}\r\n`;
  if (reply === null) return resp === 3 ? '_\r\n' : '$-1\r\n';
  if (isList(reply)) return encodeItems(`*${reply.length}\r\n`, reply, resp);
  if ('status' in reply) return `+${reply.status}\r\n`;
  if ('error' in reply) return `-${oneLine(reply.error)}\r\n`;
  if ('map' in reply) return encodeMap(reply, resp);
  if ('set' in reply) return encodeItems(`${resp === 3 ? '~' : '*'}${reply.set.length}\r\n`, reply.set, resp);
  if ('double' in reply) return encodeDouble(reply.double, resp);
  if ('bool' in reply) return encodeBoolean(reply.bool, resp);
  if ('verbatim' in reply) return encodeVerbatim(reply.verbatim, resp);
  if ('push' in reply) return encodeItems(`${resp === 3 ? '>' : '*'}${reply.push.length}\r\n`, reply.push, resp);
  return resp === 3 ? '_\r\n' : '*-1\r\n';
}

export function isList(reply: object): reply is readonly Reply[] {
  return Array.isArray(reply);
}

function encodeItems(head: string, items: readonly Reply[], resp: RespVersion): string {
  let out = head;
  for (const item of items) out += encodeReply(item, resp);
  return out;
}

function encodeMap(reply: MapReply, resp: RespVersion): string {
  let out = resp === 3 ? `%${reply.map.length}\r\n` : `*${reply.map.length * 2}\r\n`;
  for (const [key, value] of reply.map) out += encodeReply(key, resp) + encodeReply(value, resp);
  return out;
}

function encodeDouble(value: number, resp: RespVersion): string {
  const text = formatDouble(value);
  return resp === 3 ? `,${text}\r\n` : `$${text.length}\r\n${text}\r\n`;
}

function encodeBoolean(value: boolean, resp: RespVersion): string {
  if (resp === 3) return value ? '#t\r\n' : '#f\r\n';
  return value ? ':1\r\n' : ':0\r\n';
}

function encodeVerbatim(text: string, resp: RespVersion): string {
  return resp === 3 ? `=${text.length + 4}\r\ntxt:${text}\r\n` : `$${text.length}\r\n${text}\r\n`;
}

/** An error line must not carry a line break, whatever a script or a client put into it. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text;
}
