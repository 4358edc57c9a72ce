import { decodeContent, sourceFault, unpackBody } from './content.ts';
import { type BodySource, decodeBody } from './decode-body.ts';
import { checkEmbed } from './embed.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import type { DecodeLimits, Embed, Refusal } from './request.ts';

/** Smaller bodies are simply parsed. */
const SMALL_BYTES = 256 * 1024;

/** What follows a task, or why its body cannot be read; exactly one, never a throw. */
export type DecodedEmbedResult =
  | { readonly kind: 'embed'; readonly embed: Embed }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Reads the embed of a body `[args, kwargs, embed]` without making values of its args and kwargs, which may be sixty million characters of
 * nothing: for a parent, whose memory and time are everybody's. Total. What is wrong inside of args and kwargs is not found here.
 */
export function decodeEmbed(source: BodySource, limits: DecodeLimits = DEFAULT_LIMITS): DecodedEmbedResult {
  const refused = (code: Refusal['code'], reason: string): DecodedEmbedResult => refuse(code, reason, source.id, source.taskName);
  const fault = sourceFault(source, limits);
  if (fault !== undefined) return refused(fault.code, fault.reason);
  const unpacked = unpackBody(source.body, source.compression, limits);
  if (unpacked.kind === 'fault') return refused(unpacked.code, unpacked.reason);
  const { bytes } = unpacked;
  if (bytes.length <= SMALL_BYTES) {
    const decoded = decodeBody({ ...source, body: bytes, compression: null }, limits);
    return decoded.kind === 'body' ? { kind: 'embed', embed: decoded.body.embed } : decoded;
  }
  const [from, to] = thirdElement(bytes);
  if (to === 0) return refused('CELERIAC_E_BODY', 'The body is not a list of args, kwargs and embed.');
  if (to - from > limits.messageBytes)
    return refused('CELERIAC_E_TOO_LARGE', `The embed of the body is larger than ${limits.messageBytes} bytes.`);
  const content = decodeContent(bytes.subarray(from, to), null, limits);
  if (content.kind === 'fault') return refused(content.code, content.reason);
  const checked = checkEmbed(content.value);
  if (checked.kind === 'fault') return refused('CELERIAC_E_EMBED', `The ${checked.part} of the body cannot be read as signatures.`);
  return checked;
}

/** Where the last of exactly three elements of a JSON list begins and ends; `[0, 0]` where there is no such list. */
function thirdElement(bytes: Uint8Array): readonly [from: number, to: number] {
  let depth = 0;
  let commas = 0;
  let from = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x22) {
      at = endOfString(bytes, at + 1);
      if (at < 0) return [0, 0];
    } else if (byte === 0x5b || byte === 0x7b) {
      if (depth === 0 && byte === 0x7b) return [0, 0];
      depth += 1;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth -= 1;
      if (depth <= 0) return depth === 0 && byte === 0x5d && commas === 2 ? [from, at] : [0, 0];
    } else if (byte === 0x2c && depth === 1) {
      commas += 1;
      if (commas > 2) return [0, 0];
      from = at + 1;
    }
  }
  return [0, 0];
}

/** Index of the quote that ends the string whose content begins at `from`; -1 where none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0x22, from);
  while (at >= 0) {
    let backslashes = 0;
    while (at - 1 - backslashes >= from && bytes[at - 1 - backslashes] === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at = bytes.indexOf(0x22, at + 1);
  }
  return -1;
}
