import { compressBody } from '../compression/compression.ts';
import { CeleriacError } from '../errors/celeriac-error.ts';
import { utf8Bytes } from '../json/bytes.ts';
import { pythonRepr, pythonReprTuple } from '../json/python-repr.ts';
import { stringifyJson } from '../json/stringify.ts';
import { isPlainRecord } from './embed.ts';
import { instantText } from './instant.ts';
import type { Message, MessageProperties } from './message.ts';
import type { Embed } from './request.ts';
import type { TaskCall } from './task-call.ts';
import type { TaskHeaders } from './task-headers.ts';

/** The embed of a task that nothing follows, as it ends a body. */
export const EMPTY_EMBED_JSON = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}';

const NO_STAMPS: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Encodes a call as a message of protocol 2 (celery/app/amqp.py `as_task_v2`). `lang` is `js`; `delivery_mode` 2.
 * Throws CELERIAC_E_VALUE where an argument has no JSON form, a Date is invalid, or the message would be one that ends a Python worker
 * (no name, no id, args that are no list, kwargs that are no object).
 */
export function encodeTask(call: TaskCall): Message {
  refuseUnsound(call);
  const bodyJson = call.bodyJson ?? encodeBodyJson(call.args, call.kwargs, call.embed);
  const protocolHeaders: TaskHeaders = {
    lang: 'js',
    task: call.name,
    id: call.taskId,
    shadow: call.shadow ?? null,
    eta: isoText(call.eta, 'eta'),
    expires: isoText(call.expires, 'expires'),
    group: call.groupId ?? null,
    group_index: call.groupIndex ?? null,
    retries: call.retries ?? 0,
    timelimit: [call.timeLimitS ?? null, call.softTimeLimitS ?? null],
    root_id: call.rootId ?? call.taskId,
    parent_id: call.parentId ?? null,
    argsrepr: call.argsRepr ?? pythonReprTuple(call.args ?? []),
    kwargsrepr: call.kwargsRepr ?? pythonRepr(call.kwargs ?? {}),
    origin: call.origin ?? null,
    ignore_result: call.ignoreResult ?? null,
    replaced_task_nesting: call.replacedTaskNesting ?? 0,
    stamped_headers: call.stampedHeaders ?? null,
    stamps: call.stamps ?? NO_STAMPS,
  };
  const headers: Record<string, unknown> = { ...protocolHeaders };
  if (call.headers !== undefined) for (const name of Object.keys(call.headers)) headers[name] = call.headers[name];
  let body = utf8Bytes(bodyJson);
  if (call.compression) {
    const compressed = compressBody(body, call.compression);
    body = compressed.bytes;
    headers.compression = compressed.contentType;
  }
  return { headers, properties: properties(call), contentType: 'application/json', contentEncoding: 'utf-8', body };
}

/** JSON text of `[args, kwargs, embed]`. Throws CELERIAC_E_VALUE. */
export function encodeBodyJson(
  args: readonly unknown[] | undefined,
  kwargs: Readonly<Record<string, unknown>> | undefined,
  embed: Partial<Embed> | undefined,
): string {
  const argsJson = args === undefined || args.length === 0 ? '[]' : stringifyJson(args);
  const kwargsJson = kwargs === undefined ? '{}' : stringifyJson(kwargs);
  return `[${argsJson}, ${kwargsJson}, ${embed === undefined ? EMPTY_EMBED_JSON : embedJson(embed)}]`;
}

/** JSON text of an embed. Throws CELERIAC_E_VALUE. */
export function embedJson(embed: Partial<Embed>): string {
  const { callbacks = null, errbacks = null, chain = null, chord = null } = embed;
  if (callbacks === null && errbacks === null && chain === null && chord === null) return EMPTY_EMBED_JSON;
  return stringifyJson({ callbacks, errbacks, chain, chord });
}

function refuseUnsound({ name, taskId, args, kwargs }: TaskCall): void {
  if (typeof name !== 'string' || name === '') throw new CeleriacError('CELERIAC_E_VALUE', 'A call has no task name.');
  if (typeof taskId !== 'string' || taskId === '') throw new CeleriacError('CELERIAC_E_VALUE', `The call of ${name} has no task id.`);
  if (args !== undefined && !Array.isArray(args)) throw new CeleriacError('CELERIAC_E_VALUE', `The args of ${name} are not a list.`);
  if (kwargs !== undefined && !isPlainRecord(kwargs))
    throw new CeleriacError('CELERIAC_E_VALUE', `The kwargs of ${name} are not a plain object.`);
}

function properties(call: TaskCall): MessageProperties {
  return {
    correlationId: call.correlationId ?? call.taskId,
    replyTo: call.replyTo ?? '',
    deliveryMode: 2,
    ...(call.priority == null ? undefined : { priority: call.priority }),
    ...(call.expirationMs === undefined ? undefined : { expirationMs: Math.max(0, Math.round(call.expirationMs)) }),
  };
}

function isoText(instant: Date | string | null | undefined, field: string): string | null {
  if (instant === undefined || instant === null) return null;
  if (typeof instant === 'string') return instant;
  if (Number.isNaN(instant.getTime())) throw new CeleriacError('CELERIAC_E_VALUE', `${field} is an invalid Date.`);
  return instantText(instant);
}
