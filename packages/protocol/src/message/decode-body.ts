import { decodeContent, sourceFault } from './content.ts';
import { checkEmbed, isPlainRecord } from './embed.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import type { DecodedBody, DecodeLimits, Refusal, Request } from './request.ts';

/** A body, or why it cannot be read; exactly one, never a throw. */
export type DecodedBodyResult =
  | { readonly kind: 'body'; readonly body: DecodedBody }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What of a request is needed to read its body. */
export type BodySource = Pick<Request, 'body' | 'contentType' | 'contentEncoding' | 'compression' | 'id' | 'taskName'>;

/**
 * Reads the body `[args, kwargs, embed]` of a task: total, within the limits, and with the embed checked so that nothing surprises after the run.
 * The object form of protocol 1 is read too.
 */
export function decodeBody(source: BodySource, limits: DecodeLimits = DEFAULT_LIMITS): DecodedBodyResult {
  const refused = (code: Refusal['code'], reason: string): DecodedBodyResult => refuse(code, reason, source.id, source.taskName);
  const fault = sourceFault(source, limits);
  if (fault !== undefined) return refused(fault.code, fault.reason);
  const content = decodeContent(source.body, source.compression, limits);
  if (content.kind === 'fault') return refused(content.code, content.reason);
  const { value } = content;
  const parts = Array.isArray(value) ? value : objectForm(value);
  if (parts === undefined) return refused('CELERIAC_E_BODY', 'The body is not a list of args, kwargs and embed.');
  if (parts.length !== 3) return refused('CELERIAC_E_BODY', `The body has ${parts.length} elements instead of 3.`);
  const [args, kwargs] = parts;
  if (!Array.isArray(args)) return refused('CELERIAC_E_BODY', 'The args of the body are not a list.');
  if (!isPlainRecord(kwargs)) return refused('CELERIAC_E_BODY', 'The kwargs of the body are not an object.');
  const checked = checkEmbed(parts[2]);
  if (checked.kind === 'fault') return refused('CELERIAC_E_EMBED', `The ${checked.part} of the body cannot be read as signatures.`);
  return { kind: 'body', body: { args, kwargs: withoutPrototype(kwargs), embed: checked.embed } };
}

function objectForm(value: unknown): unknown[] | undefined {
  if (!isPlainRecord(value) || !('args' in value)) return undefined;
  const { args, kwargs, callbacks = null, errbacks = null, chord = null, chain = null } = value;
  return [args ?? [], kwargs ?? {}, { callbacks, errbacks, chain, chord }];
}

function withoutPrototype(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (Object.getPrototypeOf(record) === null) return record;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(record)) copy[key] = record[key];
  return copy;
}
