import { quoteJson } from '../json/stringify.ts';

/** What is recorded of a task. Texts ending in `Json` are spliced in unread. */
export interface ResultFields {
  readonly taskId: string;
  /** PENDING RECEIVED STARTED SUCCESS FAILURE RETRY REVOKED REJECTED IGNORED, or a custom state. */
  readonly status: string;
  readonly resultJson: string;
  readonly traceback?: string | null;
  /** Array of result tuples; default none. */
  readonly childrenJson?: string;
  /** ISO 8601 with offset, for final states. */
  readonly dateDone?: string | null;
  readonly groupId?: string | null;
  readonly parentId?: string | null;
  /** Celery's `result_extended`. */
  readonly extended?: {
    readonly name: string;
    readonly argsJson: string;
    readonly kwargsJson: string;
    readonly worker: string;
    readonly retries: number;
    readonly queue: string;
  };
}

/** A result record as JSON text, `status` first (celery/backends/base.py `_get_result_meta`). */
export function encodeResultMeta(fields: ResultFields): string {
  const { traceback, dateDone, extended } = fields;
  let text = `{"status": ${quoteJson(fields.status)}, "result": ${fields.resultJson}, "traceback": ${
    traceback == null ? 'null' : quoteJson(traceback)
  }, "children": ${fields.childrenJson ?? '[]'}, "date_done": ${dateDone == null ? 'null' : quoteJson(dateDone)}`;
  if (fields.groupId != null) text += `, "group_id": ${quoteJson(fields.groupId)}`;
  if (fields.parentId != null) text += `, "parent_id": ${quoteJson(fields.parentId)}`;
  if (extended !== undefined)
    text += `, "name": ${quoteJson(extended.name)}, "args": ${extended.argsJson}, "kwargs": ${extended.kwargsJson}, "worker": ${quoteJson(
      extended.worker,
    )}, "retries": ${extended.retries}, "queue": ${quoteJson(extended.queue)}`;
  return `${text}, "task_id": ${quoteJson(fields.taskId)}}`;
}
