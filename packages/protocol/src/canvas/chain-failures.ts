import { isPlainRecord, isSignature } from '../message/embed.ts';
import type { Embed, Request } from '../message/request.ts';

/** A task as a part of a chord: what a backend needs to count it. */
export interface ChordPart {
  readonly taskId: string;
  readonly groupId: string;
  /** Its place in the list that the body gets; null for none. */
  readonly groupIndex: number | null;
  /** Signature of the body, sent when the last part has reported. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A task of a chain that will never run because one before it failed. */
export interface ChainFailure {
  readonly taskId: string;
  readonly groupId: string | null;
  /** Set where it is the part of a chord, which must be told. */
  readonly chordPart: ChordPart | null;
}

/** The part of a chord that a request is, or null. */
export function chordPartOf(request: Pick<Request, 'id' | 'groupId' | 'groupIndex'>, embed: Embed): ChordPart | null {
  if (!isSignature(embed.chord) || request.groupId === null) return null;
  return { taskId: request.id, groupId: request.groupId, groupIndex: request.groupIndex, body: embed.chord };
}

/**
 * The tasks whose result is the same failure: every later step of the chain, and the bodies of the chords among them
 * (celery/backends/base.py `_fail_chain`). Without it, whoever waits for the end of the chain waits for ever.
 */
export function chainFailures(embed: Embed): readonly ChainFailure[] {
  const failures: ChainFailure[] = [];
  const pending: unknown[] = [...(embed.chain ?? [])];
  for (let at = 0; at < pending.length; at += 1) {
    const step = pending[at];
    if (!isSignature(step)) continue;
    const options = isPlainRecord(step.options) ? step.options : {};
    const taskId = textOf(options.task_id);
    const groupId = textOf(options.group_id);
    if (taskId !== null) failures.push({ taskId, groupId, chordPart: partOf(taskId, groupId, options) });
    if (step.subtask_type === 'chord' && isPlainRecord(step.kwargs)) {
      const { body } = step.kwargs;
      pending.push(body);
      if (isSignature(body) && isPlainRecord(body.options) && Array.isArray(body.options.chain))
        pending.push(...(body.options.chain as readonly unknown[]));
    }
  }
  return failures;
}

function partOf(taskId: string, groupId: string | null, options: Readonly<Record<string, unknown>>): ChordPart | null {
  if (!isSignature(options.chord) || groupId === null) return null;
  const { group_index: index } = options;
  return { taskId, groupId, groupIndex: Number.isSafeInteger(index) ? (index as number) : null, body: options.chord };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
