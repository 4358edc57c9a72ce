import { isPlainRecord } from './embed.ts';
import { parseInstant } from './instant.ts';
import type { DeliveryInfo } from './message.ts';
import { isUsableName, refuse } from './refusal.ts';
import type { DecodedEnvelope, DecodeLimits, Request } from './request.ts';
import { isCustomHeader } from './task-headers.ts';

/** Display texts are cut here; Celery cuts them itself. */
const MAX_REPR_CHARACTERS = 1_024;
const MAX_NAME_CHARACTERS = 1_024;

const NO_HEADERS: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null) as Record<string, unknown>);

/** The parts of a request that do not come from the task fields. */
export interface RequestFrame {
  readonly protocol: Request['protocol'];
  readonly deliveryInfo: DeliveryInfo;
  readonly correlationId: unknown;
  readonly replyTo: unknown;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly compression: string | null;
  readonly body: Uint8Array;
  /** A time without zone is local: protocol 1 with `utc: false`. */
  readonly localTime: boolean;
  /** Whether names that the protocol does not know are custom headers; false for the body fields of protocol 1. */
  readonly customHeaders: Readonly<Record<string, unknown>> | null;
}

/**
 * Validates the fields of a task, by the names of protocol 2. What would change how the task runs (retries, eta, expires, limits) is refused when it
 * cannot be honoured; what is only shown or passed on (shadow, group, origin, ...) is dropped.
 */
export function readRequest(fields: Readonly<Record<string, unknown>>, frame: RequestFrame, limits: DecodeLimits): DecodedEnvelope {
  const { id, task } = fields;
  const usableId = isUsableName(id, limits.idCharacters) ? id : null;
  const usableName = isUsableName(task, MAX_NAME_CHARACTERS) ? task : null;
  if (usableId === null) return refuse('CELERIAC_E_TASK_ID', idFault(id, limits), null, usableName);
  if (usableName === null) return refuse('CELERIAC_E_TASK_NAME', 'The task name is missing, empty, too long or not text.', usableId, null);
  const refused = (reason: string): DecodedEnvelope => refuse('CELERIAC_E_REQUEST_FIELD', reason, usableId, usableName);

  const { eta: etaText = null, expires: expiresText = null, retries = null, timelimit = null } = fields;
  const eta = etaText === null ? null : parseInstant(etaText, frame.localTime);
  if (eta === undefined) return refused('The eta is not an ISO 8601 time.');
  const expires = expiresText === null ? null : parseInstant(expiresText, frame.localTime);
  if (expires === undefined) return refused('The expires is not an ISO 8601 time.');
  if (retries !== null && !(Number.isSafeInteger(retries) && (retries as number) >= 0)) return refused('The retries are not a count.');
  const timeLimits = readTimeLimits(timelimit);
  if (timeLimits === undefined) return refused('The timelimit is not a pair of positive numbers or nulls.');

  const stampedHeaders = readNames(fields.stamped_headers);
  const request: Request = {
    protocol: frame.protocol,
    id: usableId,
    taskName: usableName,
    shadow: textOrNull(fields.shadow),
    rootId: idOrNull(fields.root_id, limits) ?? usableId,
    parentId: idOrNull(fields.parent_id, limits),
    groupId: idOrNull(fields.group, limits),
    groupIndex: countOrNull(fields.group_index),
    retries: (retries as number | null) ?? 0,
    eta,
    expires,
    timeLimitS: timeLimits[0],
    softTimeLimitS: timeLimits[1],
    ignoreResult: typeof fields.ignore_result === 'boolean' ? fields.ignore_result : null,
    replyTo: textOrNull(frame.replyTo),
    correlationId: textOrNull(frame.correlationId),
    origin: textOrNull(fields.origin),
    argsRepr: displayText(fields.argsrepr),
    kwargsRepr: displayText(fields.kwargsrepr),
    replacedTaskNesting: countOrNull(fields.replaced_task_nesting) ?? 0,
    stampedHeaders,
    stamps: isPlainRecord(fields.stamps) ? fields.stamps : NO_HEADERS,
    headers: frame.customHeaders === null ? NO_HEADERS : customHeaders(frame.customHeaders),
    deliveryInfo: frame.deliveryInfo,
    contentType: frame.contentType,
    contentEncoding: frame.contentEncoding,
    compression: frame.compression,
    body: frame.body,
  };
  return { kind: 'request', request };
}

function idFault(id: unknown, limits: DecodeLimits): string {
  if (id === undefined || id === null || id === '') return 'The task id is missing.';
  if (typeof id !== 'string') return 'The task id is not text.';
  return id.length > limits.idCharacters
    ? `The task id is longer than ${limits.idCharacters} characters.`
    : 'The task id contains control characters.';
}

function readTimeLimits(value: unknown): readonly [number | null, number | null] | undefined {
  if (value === null) return [null, null];
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const hard = readLimit(value[0]);
  const soft = readLimit(value[1]);
  return hard === undefined || soft === undefined ? undefined : [hard, soft];
}

/** Seconds; 0 means none, as in Celery. undefined where it cannot be honoured. */
function readLimit(value: unknown): number | null | undefined {
  if (value === null || value === undefined || value === 0) return null;
  return typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY ? value : undefined;
}

function readNames(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS ? value : null;
}

function idOrNull(value: unknown, limits: DecodeLimits): string | null {
  return isUsableName(value, limits.idCharacters) ? value : null;
}

function countOrNull(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function displayText(value: unknown): string {
  if (typeof value !== 'string') return '';
  return value.length <= MAX_REPR_CHARACTERS ? value : `${value.slice(0, MAX_REPR_CHARACTERS - 3)}...`;
}

function customHeaders(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let custom: Record<string, unknown> | undefined;
  for (const name of Object.keys(headers)) {
    if (!isCustomHeader(name)) continue;
    custom ??= Object.create(null) as Record<string, unknown>;
    custom[name] = headers[name];
  }
  return custom ?? NO_HEADERS;
}
