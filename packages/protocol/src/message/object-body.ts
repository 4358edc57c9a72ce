import { utf8Bytes } from '../json/bytes.ts';
import { pythonRepr, pythonReprTuple } from '../json/python-repr.ts';
import { checkEmbed, isPlainRecord } from './embed.ts';
import { encodeBodyJson } from './encode-task.ts';
import { isUsableName, refuse } from './refusal.ts';
import type { DecodedEnvelope, DecodeLimits } from './request.ts';
import { type RequestFrame, readRequest } from './request-fields.ts';

/** What the two forms have in common with protocol 2. */
export type ObjectBodyFrame = Pick<RequestFrame, 'deliveryInfo' | 'correlationId' | 'replyTo' | 'customHeaders'>;

/**
 * A message whose body is one object: protocol 1 (celery/app/amqp.py `as_task_v1`, no headers) or hybrid (the metadata is in the body, and headers
 * override it; celery/worker/strategy.py `proto1_to_proto2`, `hybrid_to_proto2`). The body is re-expressed as `[args, kwargs, embed]`.
 */
export function objectBody(
  fields: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, unknown>> | null,
  frame: ObjectBodyFrame,
  limits: DecodeLimits,
): DecodedEnvelope {
  const merged: Record<string, unknown> = Object.assign(Object.create(null) as Record<string, unknown>, fields, headers);
  const id = isUsableName(merged.id, limits.idCharacters) ? merged.id : null;
  const name = isUsableName(merged.task, limits.idCharacters) ? merged.task : null;
  const args = fields.args ?? [];
  const kwargs = fields.kwargs ?? {};
  if (headers !== null && fields.args === undefined) return refuse('CELERIAC_E_BODY', 'The body is an object without args.', id, name);
  if (!Array.isArray(args)) return refuse('CELERIAC_E_BODY', 'The args of the body are not a list.', id, name);
  if (!isPlainRecord(kwargs)) return refuse('CELERIAC_E_BODY', 'The kwargs of the body are not an object.', id, name);
  const { callbacks = null, errbacks = null, chain = null, chord = null } = fields;
  const checked = checkEmbed({ callbacks, errbacks, chain, chord });
  if (checked.kind === 'fault')
    return refuse('CELERIAC_E_EMBED', `The ${checked.part} of the body cannot be read as signatures.`, id, name);

  merged.group ??= fields.taskset;
  merged.argsrepr ??= pythonReprTuple(args);
  merged.kwargsrepr ??= pythonRepr(kwargs);
  const body = utf8Bytes(encodeBodyJson(args, kwargs, checked.embed));
  return readRequest(
    merged,
    {
      ...frame,
      protocol: headers === null ? 1 : 'hybrid',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      compression: null,
      body,
      localTime: headers === null && fields.utc === false,
      customHeaders: frame.customHeaders,
    },
    limits,
  );
}
