import { CeleriacError } from '../errors/celeriac-error.ts';
import { parseJson } from '../json/parse.ts';
import { pythonRepr, pythonReprTuple } from '../json/python-repr.ts';
import { isPythonValue } from '../json/python-types.ts';
import { stringifyJson } from '../json/stringify.ts';
import { isPlainRecord } from '../message/embed.ts';
import { embedJson } from '../message/encode-task.ts';
import type { TaskCall } from '../message/task-call.ts';
import type { RouteOptions } from '../routing/route-task.ts';
import { signatureList, type WireSignature } from './signature.ts';

/** One message to publish because another task has ended. */
export interface FollowUpCall {
  readonly kind: 'call';
  /** Complete but for times relative to now. */
  readonly call: TaskCall;
  readonly route: RouteOptions;
  /** Seconds from the moment of publishing, null for none; wins over `call.eta`. */
  readonly countdownS: number | null;
  /** Seconds from the moment of publishing, null for none. */
  readonly expiresS: number | null;
  /** Ids of the later steps where the call is the first of a chain of its own, in order of execution. */
  readonly laterIds?: readonly string[];
}

/** What the sender adds to the options of a signature. */
export interface Sending {
  readonly taskId: string;
  readonly rootId: string;
  readonly parentId: string | null;
  /** JSON text put in front of the arguments of a signature that is not immutable; null for none. */
  readonly prefixJson: string | null;
  readonly groupId?: string | null;
  readonly groupIndex?: number | null;
  readonly chord?: unknown;
  /** In reverse order of execution. */
  readonly chain?: readonly unknown[] | null;
}

/** A longer result is not read again for the display of the arguments. */
const MAX_SHOWN_CHARACTERS = 1_024;

/** The call a plain signature stands for (celery/canvas.py `Signature.apply_async` and `_merge`). Throws CELERIAC_E_VALUE, CELERIAC_E_EMBED. */
export function signatureCall(signature: WireSignature, sending: Sending): FollowUpCall {
  const { options, args, kwargs } = signature;
  const prefix = signature.immutable ? null : sending.prefixJson;
  const embed = embedJson({
    callbacks: signatureList(options.link),
    errbacks: signatureList(options.link_error),
    chain: nonEmpty(sending.chain ?? signatureList(options.chain)),
    chord: sending.chord ?? options.chord ?? null,
  });
  const stampedHeaders = stampNames(options.stamped_headers);
  const call: TaskCall = {
    name: signature.task,
    taskId: sending.taskId,
    rootId: sending.rootId,
    parentId: sending.parentId,
    groupId: sending.groupId ?? text(options.group_id),
    groupIndex: sending.groupIndex ?? count(options.group_index),
    retries: count(options.retries) ?? 0,
    eta: instant(options.eta),
    expires: instant(options.expires),
    timeLimitS: seconds(options.time_limit),
    softTimeLimitS: seconds(options.soft_time_limit),
    ignoreResult: typeof options.ignore_result === 'boolean' ? options.ignore_result : null,
    priority: count(options.priority),
    replyTo: text(options.reply_to),
    shadow: text(options.shadow),
    compression: options.compression === 'gzip' || options.compression === 'zlib' ? 'gzip' : null,
    replacedTaskNesting: count(options.replaced_task_nesting) ?? 0,
    bodyJson: `[${argsJson(args, prefix)}, ${stringifyJson(kwargs)}, ${embed}]`,
    argsRepr: argsRepr(args, prefix),
    kwargsRepr: pythonRepr(kwargs),
    ...(isPlainRecord(options.headers) ? { headers: options.headers } : undefined),
    ...(stampedHeaders === null ? undefined : { stampedHeaders, stamps: stamps(stampedHeaders, options) }),
  };
  return { kind: 'call', call, route: route(options), countdownS: seconds(options.countdown), expiresS: seconds(options.expires) };
}

function argsJson(args: readonly unknown[], prefixJson: string | null): string {
  if (prefixJson === null) return stringifyJson(args);
  return args.length === 0 ? `[${prefixJson}]` : `[${prefixJson}, ${stringifyJson(args).slice(1)}`;
}

function argsRepr(args: readonly unknown[], prefixJson: string | null): string {
  if (prefixJson === null) return pythonReprTuple(args);
  return pythonReprTuple([prefixJson.length > MAX_SHOWN_CHARACTERS ? `${prefixJson.length} characters` : parseJson(prefixJson), ...args]);
}

function route(options: Readonly<Record<string, unknown>>): RouteOptions {
  const queue = isPlainRecord(options.queue) ? text(options.queue.name) : text(options.queue);
  const exchange = text(options.exchange);
  const routingKey = text(options.routing_key);
  return {
    ...(queue === null ? undefined : { queue }),
    ...(exchange === null ? undefined : { exchange }),
    ...(routingKey === null ? undefined : { routingKey }),
  };
}

function instant(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null && isPythonValue(value) && value.pythonType === 'datetime' ? value.toString() : null;
}

function stampNames(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : null;
}

function stamps(names: readonly string[], options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(options, name)).map((name) => [name, options[name]]));
}

function nonEmpty(list: readonly unknown[] | null): readonly unknown[] | null {
  return list === null || list.length === 0 ? null : list;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function count(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function seconds(value: unknown): number | null {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'object') return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new CeleriacError('CELERIAC_E_EMBED', 'A time in the options of a signature is not a number of seconds.');
}
