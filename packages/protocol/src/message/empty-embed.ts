import { asciiBytes } from '../json/bytes.ts';
import { EMPTY_EMBED_JSON } from './encode-task.ts';
import type { Request } from './request.ts';

const TAILS: readonly Uint8Array[] = [
  asciiBytes(`${EMPTY_EMBED_JSON}]`),
  asciiBytes('{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'),
  asciiBytes(', {}]'),
];

/**
 * Whether nothing follows the task, told from the raw end of its body without parsing. False when unsure (compressed, other serializer, other key order).
 * A quote inside a JSON string is escaped, so these bytes cannot end a string; and what ends the text before `]` is the last element.
 */
export function hasEmptyEmbed(request: Pick<Request, 'body' | 'compression' | 'contentType'>): boolean {
  if (request.compression !== null || request.contentType !== 'application/json') return false;
  return TAILS.some((tail) => endsWith(request.body, tail));
}

function endsWith(bytes: Uint8Array, tail: Uint8Array): boolean {
  const from = bytes.length - tail.length;
  if (from < 0) return false;
  for (let at = tail.length - 1; at >= 0; at -= 1) if (bytes[from + at] !== tail[at]) return false;
  return true;
}
