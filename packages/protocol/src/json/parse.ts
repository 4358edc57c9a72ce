import { CeleriacError } from '../errors/celeriac-error.ts';
import { DEFAULT_LIMITS } from '../message/limits.ts';
import { exceedsDepth } from './depth.ts';
import { JsonFault, parseLossless } from './lossless-parser.ts';

/** The bounds a parser keeps. */
export interface JsonLimits {
  /** Levels of arrays and objects; default 512. */
  readonly depth: number;
  /** Digits of one integer; default 4,300, as CPython. */
  readonly integerDigits: number;
}

/** Either a value, or why there is none; `tooLarge` tells a limit from bad syntax. */
export type ParsedJson =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly reason: string; readonly tooLarge: boolean };

/** kombu's tag, or a key that must be kept from being a prototype; their underscores may be hidden in escapes. */
const SPECIAL_KEY = /__(?:type|proto)__|\\u005f/i;
/** Fewer digits are always a safe integer. */
const LONG_DIGITS = 16;
const PYTHON_NUMBER = /NaN|Infinity/;

/** As {@link parseJson}, without throwing: the form for decoders. */
export function tryParseJson(text: string, limits: JsonLimits = DEFAULT_LIMITS): ParsedJson {
  if (exceedsDepth(text, limits.depth)) return { kind: 'fault', reason: `it is nested deeper than ${limits.depth} levels`, tooLarge: true };
  if (!needsLossless(text)) {
    try {
      return { kind: 'value', value: JSON.parse(text) as unknown };
    } catch {
      if (!PYTHON_NUMBER.test(text)) return { kind: 'fault', reason: 'it is not JSON', tooLarge: false };
    }
  }
  try {
    return { kind: 'value', value: parseLossless(text, limits.integerDigits) };
  } catch (error) {
    if (error instanceof JsonFault) return { kind: 'fault', reason: `it has ${error.message}`, tooLarge: error.tooLarge };
    return { kind: 'fault', reason: 'it is not JSON', tooLarge: false };
  }
}

function needsLossless(text: string): boolean {
  // The first two find nothing in most texts, at the speed of a memory search.
  return ((text.includes('__') || text.includes('\\u005')) && SPECIAL_KEY.test(text)) || hasLongInteger(text);
}

/** Whether 16 or more digits stand together, not as a fraction: every such run covers one of the places looked at. */
function hasLongInteger(text: string): boolean {
  for (let at = LONG_DIGITS - 1; at < text.length; at += LONG_DIGITS) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let start = at;
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start -= 1;
    let end = at + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end += 1;
    if (end - start >= LONG_DIGITS && text[start - 1] !== '.') return true;
    if (end > at + LONG_DIGITS) at += Math.floor((end - at) / LONG_DIGITS) * LONG_DIGITS;
  }
  return false;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/**
 * Reads JSON as kombu writes it (see {@link stringifyJson}): integers beyond 2^53 become bigint, NaN and Infinity are read, tagged objects become
 * PyDateTime, PyDate, PyTime, PyDecimal, PyUuid, Uint8Array, Set and PyFrozenSet. A float that is whole (`1.0`) becomes the number 1.
 * An object with a key `__proto__` has it as data and no prototype. Throws CELERIAC_E_TOO_LARGE over a limit, CELERIAC_E_VALUE otherwise.
 */
export function parseJson(text: string, limits: JsonLimits = DEFAULT_LIMITS): unknown {
  const parsed = tryParseJson(text, limits);
  if (parsed.kind === 'value') return parsed.value;
  throw new CeleriacError(parsed.tooLarge ? 'CELERIAC_E_TOO_LARGE' : 'CELERIAC_E_VALUE', `The text cannot be read: ${parsed.reason}.`);
}
