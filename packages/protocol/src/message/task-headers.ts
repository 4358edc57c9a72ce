/** The 19 headers of protocol 2 in the order Celery sends them (celery/app/amqp.py `as_task_v2`). */
export interface TaskHeaders {
  readonly lang: string;
  readonly task: string;
  readonly id: string;
  readonly shadow: string | null;
  readonly eta: string | null;
  readonly expires: string | null;
  readonly group: string | null;
  readonly group_index: number | null;
  readonly retries: number;
  /** Hard limit first. */
  readonly timelimit: readonly [number | null, number | null];
  readonly root_id: string;
  readonly parent_id: string | null;
  readonly argsrepr: string;
  readonly kwargsrepr: string;
  readonly origin: string | null;
  readonly ignore_result: boolean | null;
  readonly replaced_task_nesting: number;
  readonly stamped_headers: readonly string[] | null;
  readonly stamps: Readonly<Record<string, unknown>>;
}

/** Names of {@link TaskHeaders}, in order. */
export const TASK_HEADERS: readonly (keyof TaskHeaders)[] = [
  'lang',
  'task',
  'id',
  'shadow',
  'eta',
  'expires',
  'group',
  'group_index',
  'retries',
  'timelimit',
  'root_id',
  'parent_id',
  'argsrepr',
  'kwargsrepr',
  'origin',
  'ignore_result',
  'replaced_task_nesting',
  'stamped_headers',
  'stamps',
];

/** Headers that are neither the protocol's nor the user's: brokers' marks of earlier deliveries, which a new message must not carry on. */
const BROKER_HEADERS: ReadonlySet<string> = new Set(['compression', 'redelivered', 'x-delivery-count', 'x-acquired-count']);
const PROTOCOL_HEADERS: ReadonlySet<string> = new Set(TASK_HEADERS);
const BROKER_PREFIXES = /^(?:x-death|x-first-death-|x-last-death-|x-celeriac-)/;

/** Whether a header is a custom one, which the task may read and a retry keeps. */
export function isCustomHeader(name: string): boolean {
  return !PROTOCOL_HEADERS.has(name) && !BROKER_HEADERS.has(name) && !BROKER_PREFIXES.test(name);
}
