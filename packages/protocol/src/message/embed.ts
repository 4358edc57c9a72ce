import type { Embed } from './request.ts';

export const EMPTY_EMBED: Embed = Object.freeze({ callbacks: null, errbacks: null, chain: null, chord: null });

/** Either an embed whose every part is a signature, or the name of the part that is not. */
export type CheckedEmbed = { readonly kind: 'embed'; readonly embed: Embed } | { readonly kind: 'fault'; readonly part: string };

/** Checks the third element of a body before the task runs: what follows must be known to be readable. */
export function checkEmbed(value: unknown): CheckedEmbed {
  if (value === null || value === undefined) return { kind: 'embed', embed: EMPTY_EMBED };
  if (!isPlainRecord(value)) return { kind: 'fault', part: 'embed' };
  const { callbacks = null, errbacks = null, chain = null, chord = null } = value;
  if (callbacks === null && errbacks === null && chain === null && chord === null) return { kind: 'embed', embed: EMPTY_EMBED };
  if (!isSignatureList(callbacks)) return { kind: 'fault', part: 'callbacks' };
  if (!isSignatureList(errbacks)) return { kind: 'fault', part: 'errbacks' };
  if (!isSignatureList(chain)) return { kind: 'fault', part: 'chain' };
  if (chord !== null && !isSignature(chord)) return { kind: 'fault', part: 'chord' };
  return { kind: 'embed', embed: { callbacks, errbacks, chain, chord } };
}

/** Whether a value is a signature in JSON form: an object with a task name, and args, kwargs and options of the right kind where present. */
export function isSignature(value: unknown): value is Readonly<Record<string, unknown>> & { readonly task: string } {
  if (!isPlainRecord(value) || typeof value.task !== 'string' || value.task === '') return false;
  const { args = null, kwargs = null, options = null } = value;
  return (
    (args === null || Array.isArray(args)) && (kwargs === null || isPlainRecord(kwargs)) && (options === null || isPlainRecord(options))
  );
}

/** An object with names and values, not an array and not one of the wrapper classes. */
export function isPlainRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isSignatureList(value: unknown): value is readonly unknown[] | null {
  return value === null || (Array.isArray(value) && value.every(isSignature));
}
