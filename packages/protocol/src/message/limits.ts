import type { DecodeLimits } from './request.ts';

/** The bounds decoders keep unless told otherwise. */
export const DEFAULT_LIMITS: DecodeLimits = {
  messageBytes: 8 * 1024 * 1024,
  inflatedBytes: 64 * 1024 * 1024,
  depth: 512,
  idCharacters: 255,
  integerDigits: 4_300,
};
