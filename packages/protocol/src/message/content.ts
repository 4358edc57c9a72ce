import { inflate } from '../compression/compression.ts';
import type { ErrorCode } from '../errors/codes.ts';
import { utf8Text } from '../json/bytes.ts';
import { tryParseJson } from '../json/parse.ts';
import type { DecodeLimits } from './request.ts';

/** What a content type or encoding is refused for. */
export interface ContentFault {
  readonly code: ErrorCode;
  readonly reason: string;
}

const REFUSED_TYPES: ReadonlyMap<string, string> = new Map([
  [
    'application/x-python-serialize',
    "the body is pickled, which is code and never read; in Python set task_serializer = 'json' (and accept_content = ['json'])",
  ],
  ['application/x-msgpack', "msgpack is not supported by this version; in Python set task_serializer = 'json'"],
  ['application/x-yaml', "yaml is not supported by this version; in Python set task_serializer = 'json'"],
  ['text/plain', 'the body is plain text and not a serialized task'],
  ['application/data', 'the body is raw data and not a serialized task'],
]);

const ENCODINGS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', 'binary']);

/** Why a content type cannot be read, or undefined where it is JSON. */
export function contentTypeFault(contentType: unknown): ContentFault | undefined {
  if (contentType === 'application/json') return undefined;
  if (typeof contentType !== 'string' || contentType === '')
    return { code: 'CELERIAC_E_CONTENT_TYPE', reason: 'The message has no content type.' };
  const mime = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
  if (mime === 'application/json') return undefined;
  const known = REFUSED_TYPES.get(mime);
  return { code: 'CELERIAC_E_CONTENT_TYPE', reason: `The content type is not accepted: ${known ?? 'only application/json is read'}.` };
}

/** Why a content encoding cannot be read, or undefined where it can; absent means utf-8. */
export function contentEncodingFault(contentEncoding: unknown): ContentFault | undefined {
  if (contentEncoding === 'utf-8' || contentEncoding === undefined || contentEncoding === null) return undefined;
  if (typeof contentEncoding === 'string' && ENCODINGS.has(contentEncoding.toLowerCase())) return undefined;
  return { code: 'CELERIAC_E_CONTENT_ENCODING', reason: 'The content encoding is not utf-8, us-ascii or binary.' };
}

/** Either the value in a body, or why there is none. */
export type DecodedContent = { readonly kind: 'value'; readonly value: unknown } | ({ readonly kind: 'fault' } & ContentFault);

/** The bytes of a body, decompressed, or why there are none. */
export type UnpackedBody = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | ({ readonly kind: 'fault' } & ContentFault);

/** Decompresses within the limits. Does not throw. */
export function unpackBody(body: Uint8Array, compression: string | null, limits: DecodeLimits): UnpackedBody {
  if (compression === null) return { kind: 'bytes', bytes: body };
  const inflated = inflate(body, compression, limits.inflatedBytes);
  if (inflated.kind === 'bytes') return inflated;
  return {
    kind: 'fault',
    code: inflated.tooLarge ? 'CELERIAC_E_TOO_LARGE' : 'CELERIAC_E_COMPRESSION',
    reason: `The body cannot be decompressed: ${inflated.reason}.`,
  };
}

/** Decompresses and parses a JSON body within the limits. Does not throw. */
export function decodeContent(body: Uint8Array, compression: string | null, limits: DecodeLimits): DecodedContent {
  const unpacked = unpackBody(body, compression, limits);
  if (unpacked.kind === 'fault') return unpacked;
  const text = utf8Text(unpacked.bytes);
  if (text === undefined) return { kind: 'fault', code: 'CELERIAC_E_BODY_ENCODING', reason: 'The body is not UTF-8.' };
  const parsed = tryParseJson(text, limits);
  if (parsed.kind === 'value') return parsed;
  return {
    kind: 'fault',
    code: parsed.tooLarge ? 'CELERIAC_E_TOO_LARGE' : 'CELERIAC_E_BODY',
    reason: `The body cannot be read: ${parsed.reason}.`,
  };
}

/** Why a body is not even looked into: its content type or encoding, or its size as it came. Undefined where nothing speaks against it. */
export function sourceFault(
  source: { readonly contentType: string; readonly contentEncoding: string; readonly body: Uint8Array },
  limits: DecodeLimits,
): ContentFault | undefined {
  const fault = contentTypeFault(source.contentType) ?? contentEncodingFault(source.contentEncoding);
  if (fault !== undefined) return fault;
  if (source.body.length <= limits.messageBytes) return undefined;
  return { code: 'CELERIAC_E_TOO_LARGE', reason: `The body is larger than ${limits.messageBytes} bytes.` };
}
