import { CeleriacError } from '../errors/celeriac-error.ts';
import { isPlainRecord, isSignature } from '../message/embed.ts';

/** A call as data, as messages carry it (celery/canvas.py `Signature`). */
export interface WireSignature {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** The options of Celery's apply_async, in its own names. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `chain`, `group`, `chord`, `xmap`, `xstarmap`, `chunks`, or null for a plain task. */
  readonly subtaskType: string | null;
  /** Takes no result of what came before. */
  readonly immutable: boolean;
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** Reads a signature out of a message; older senders leave keys out. Throws CELERIAC_E_EMBED. */
export function readSignature(value: unknown): WireSignature {
  if (!isSignature(value)) throw new CeleriacError('CELERIAC_E_EMBED', 'Something that should be a signature is none.');
  const { args, kwargs, options, subtask_type: subtaskType, immutable } = value;
  return {
    task: value.task,
    args: Array.isArray(args) ? args : [],
    kwargs: isPlainRecord(kwargs) ? kwargs : NOTHING,
    options: isPlainRecord(options) ? options : NOTHING,
    subtaskType: typeof subtaskType === 'string' ? subtaskType : null,
    immutable: immutable === true,
  };
}

/** The members of a group (`kwargs.tasks`) or chain. Throws CELERIAC_E_EMBED. */
export function membersOf(signature: WireSignature): readonly WireSignature[] {
  const { tasks } = signature.kwargs;
  if (!Array.isArray(tasks)) throw new CeleriacError('CELERIAC_E_EMBED', `A ${signature.subtaskType} without tasks cannot follow.`);
  return tasks.map(readSignature);
}

/** The header and body of a chord; a header may be a list or a group. Throws CELERIAC_E_EMBED. */
export function chordParts(signature: WireSignature): {
  readonly header: readonly WireSignature[];
  readonly body: Readonly<Record<string, unknown>>;
} {
  const { header, body } = signature.kwargs;
  if (!isSignature(body)) throw new CeleriacError('CELERIAC_E_EMBED', 'A chord without a body cannot follow.');
  return { header: Array.isArray(header) ? header.map(readSignature) : membersOf(readSignature(header)), body };
}

/** An option that is one signature or a list of them, as a list; null where there is none. Throws CELERIAC_E_EMBED. */
export function signatureList(value: unknown): readonly unknown[] | null {
  if (value === null || value === undefined) return null;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every(isSignature)) throw new CeleriacError('CELERIAC_E_EMBED', 'A callback that should be a signature is none.');
  return list.length === 0 ? null : list;
}
