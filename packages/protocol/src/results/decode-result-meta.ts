import { inflate } from '../compression/compression.ts';
import { CeleriacError } from '../errors/celeriac-error.ts';
import { asciiBytes, utf8Text } from '../json/bytes.ts';
import { parseJson } from '../json/parse.ts';
import { isPlainRecord } from '../message/embed.ts';
import { DEFAULT_LIMITS } from '../message/limits.ts';
import type { DecodeLimits } from '../message/request.ts';
import type { ResultMeta } from './result-meta.ts';

/** How Celery 5.7 marks a record under `result_compression`: marker, mime type, NUL, compressed JSON. */
const COMPRESSED = asciiBytes('\0celery-compressed\0');

/**
 * Reads a result record from a backend. Bytes may be marked as compressed.
 * Throws CELERIAC_E_TOO_LARGE over a limit, CELERIAC_E_COMPRESSION, and CELERIAC_E_VALUE for what is no record.
 */
export function decodeResultMeta(record: string | Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): ResultMeta {
  const text = typeof record === 'string' ? record : recordText(record, limits);
  const meta = parseJson(text, limits);
  if (!isPlainRecord(meta) || typeof meta.status !== 'string')
    throw new CeleriacError('CELERIAC_E_VALUE', 'The stored result is not a Celery result record.');
  const { task_id, result = null, traceback } = meta;
  return {
    ...meta,
    task_id: typeof task_id === 'string' ? task_id : '',
    status: meta.status,
    result,
    traceback: typeof traceback === 'string' ? traceback : null,
  };
}

function recordText(record: Uint8Array, limits: DecodeLimits): string {
  const bytes = startsWith(record, COMPRESSED) ? inflated(record, limits) : record;
  const text = utf8Text(bytes);
  if (text === undefined) throw new CeleriacError('CELERIAC_E_VALUE', 'The stored result is not UTF-8.');
  return text;
}

function inflated(record: Uint8Array, limits: DecodeLimits): Uint8Array {
  const end = record.indexOf(0, COMPRESSED.length);
  const mime = utf8Text(record.subarray(COMPRESSED.length, Math.max(end, COMPRESSED.length))) ?? '';
  const result = inflate(record.subarray(end + 1), mime, limits.inflatedBytes);
  if (result.kind === 'bytes') return result.bytes;
  throw new CeleriacError(
    result.tooLarge ? 'CELERIAC_E_TOO_LARGE' : 'CELERIAC_E_COMPRESSION',
    `The stored result cannot be decompressed: ${result.reason}.`,
  );
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at += 1) if (bytes[at] !== prefix[at]) return false;
  return true;
}
