import { CeleriacError } from '../errors/celeriac-error.ts';
import { quoteJson } from '../json/stringify.ts';
import type { Embed, Request } from '../message/request.ts';
import { chordParts, membersOf, readSignature, type WireSignature } from './signature.ts';
import { type FollowUpCall, type Sending, signatureCall } from './signature-call.ts';

/** Several messages that share a group id. */
export interface FollowUpGroup {
  readonly kind: 'group';
  readonly groupId: string;
  readonly calls: readonly FollowUpCall[];
}

/**
 * The header of a chord. A backend that counts must record `size` before the last header message is published; an empty header
 * means that the body is sent at once with `[]` (it is then a plain call and not a chord).
 */
export interface FollowUpChord {
  readonly kind: 'chord';
  readonly groupId: string;
  /** How many parts will report. */
  readonly size: number;
  readonly header: readonly FollowUpCall[];
  /** Id of the body, which is the id of the chord's result. */
  readonly bodyId: string;
}

export type FollowUp = FollowUpCall | FollowUpGroup | FollowUpChord;

/** The task that has ended. */
export type Parent = Pick<Request, 'id' | 'rootId'>;

interface Context {
  readonly rootId: string;
  readonly parentId: string;
  readonly prefixJson: string | null;
  readonly newId: () => string;
}

/**
 * What is published when a task has succeeded, in Celery's order: callbacks, then the next of the chain (celery/app/trace.py
 * `_dispatch_callbacks_and_chain`). The result is passed on as the text it is, so nothing of it is lost.
 * Throws CELERIAC_E_EMBED for what is malformed, CELERIAC_E_PROTOCOL for a shape this version does not send.
 */
export function followUps(embed: Embed, parent: Parent, resultJson: string, newId: () => string): readonly FollowUp[] {
  const context: Context = { rootId: parent.rootId, parentId: parent.id, prefixJson: resultJson, newId };
  const followed = callbackFollowUps((embed.callbacks ?? []).map(readSignature), context);
  const next = embed.chain?.[embed.chain.length - 1];
  if (next !== undefined) followed.push(apply(readSignature(next), context, embed.chain?.slice(0, -1) ?? []));
  return followed;
}

/**
 * What is published when a task has failed: its errbacks, called with the id of the failed task, as one group (celery/backends/base.py
 * `_call_task_errbacks`, the old style, which any worker can run). Throws as {@link followUps}.
 */
export function errorFollowUps(embed: Embed, parent: Parent, newId: () => string): readonly FollowUp[] {
  const errbacks = (embed.errbacks ?? []).map(readSignature);
  if (errbacks.length === 0) return [];
  const context: Context = { rootId: parent.rootId, parentId: parent.id, prefixJson: quoteJson(parent.id), newId };
  return [groupOf(errbacks, newId(), context)];
}

/** The result tuples of what was sent, for the `children` of the parent's record (celery/result.py `as_tuple`). */
export function childrenJson(followed: readonly FollowUp[]): string {
  return `[${followed.map(resultTuple).join(', ')}]`;
}

function callbackFollowUps(callbacks: readonly WireSignature[], context: Context): FollowUp[] {
  if (callbacks.length <= 1) return callbacks.map((callback) => apply(callback, context, null));
  const groups = callbacks.filter((callback) => callback.subtaskType === 'group');
  const others = callbacks.filter((callback) => callback.subtaskType !== 'group');
  const followed: FollowUp[] = groups.map((group) => apply(group, context, null));
  if (others.length > 0) followed.push(groupOf(others, context.newId(), context));
  return followed;
}

/** `chain` is what comes after it, in reverse order; null where it is not a step of a chain. */
function apply(signature: WireSignature, context: Context, chain: readonly unknown[] | null): FollowUp {
  switch (signature.subtaskType) {
    case 'group':
      return groupOf(membersOf(signature), idOf(signature, context), context, chain);
    case 'chord':
      return chordOf(signature, context, chain);
    default:
      return singleCall(signature, context, { chain });
  }
}

function groupOf(
  members: readonly WireSignature[],
  groupId: string,
  context: Context,
  chain: readonly unknown[] | null = null,
): FollowUpGroup {
  return {
    kind: 'group',
    groupId,
    calls: flatten(members).map((member, groupIndex) => singleCall(member, context, { groupId, groupIndex, chain })),
  };
}

function chordOf(signature: WireSignature, context: Context, chain: readonly unknown[] | null): FollowUp {
  const { header, body } = chordParts(signature);
  const groupId = idOf(signature, context);
  const bodySignature = readSignature(body);
  const bodyId = textOf(bodySignature.options.task_id) ?? context.newId();
  // The rest of the chain goes on after the body, which carries it in its options.
  const options = { ...bodySignature.options, task_id: bodyId, root_id: context.rootId, group_id: groupId };
  const frozenBody = { ...body, options: chain === null || chain.length === 0 ? options : { ...options, chain } };
  const parts = flatten(header);
  if (parts.length === 0) return singleCall(readSignature(frozenBody), { ...context, prefixJson: '[]' }, {});
  return {
    kind: 'chord',
    groupId,
    size: parts.length,
    header: parts.map((part, groupIndex) => singleCall(part, context, { groupId, groupIndex, chord: frozenBody })),
    bodyId,
  };
}

type Place = Pick<Sending, 'groupId' | 'groupIndex' | 'chord' | 'chain'>;

/** A plain signature, or a chain of plain ones, whose first message carries the others. */
function singleCall(signature: WireSignature, context: Context, place: Place): FollowUpCall {
  const { rootId, parentId, prefixJson } = context;
  if (signature.subtaskType !== 'chain') {
    refuseUnlessPlain(signature);
    return signatureCall(signature, { taskId: idOf(signature, context), rootId, parentId, prefixJson, ...place });
  }
  const steps = chainSteps(signature);
  const [first, ...rest] = steps;
  if (first === undefined) throw new CeleriacError('CELERIAC_E_EMBED', 'An empty chain cannot follow.');
  const last = lastPlace(signature, context, place);
  if (rest.length === 0) return signatureCall(first, { ...last.sending, rootId, parentId, prefixJson });
  const later = rest.map((step, at) => rawStep(step, at === rest.length - 1 ? last.options : { task_id: idOf(step, context) }));
  const chain = [...(place.chain ?? []), ...later.toReversed()];
  const call = signatureCall(first, { taskId: idOf(first, context), rootId, parentId, prefixJson, chain });
  return { ...call, laterIds: later.map((step) => step.options.task_id) };
}

/** Group, index and chord of a chain belong to its last step, which ends it. */
function lastPlace(
  signature: WireSignature,
  context: Context,
  place: Place,
): { readonly sending: Place & { taskId: string }; readonly options: StepOptions } {
  const taskId = idOf(signature, context);
  const options: StepOptions = {
    task_id: taskId,
    ...(place.groupId == null ? undefined : { group_id: place.groupId }),
    ...(place.groupIndex == null ? undefined : { group_index: place.groupIndex }),
    ...(place.chord == null ? undefined : { chord: place.chord }),
  };
  return { sending: { ...place, taskId }, options };
}

type StepOptions = Readonly<Record<string, unknown>> & { readonly task_id: string };

interface RawStep {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: StepOptions;
  readonly subtask_type: null;
  readonly immutable: boolean;
}

function rawStep(step: WireSignature, options: StepOptions): RawStep {
  const { task, args, kwargs, immutable } = step;
  return { task, args, kwargs, options: { ...step.options, ...options }, subtask_type: null, immutable };
}

function chainSteps(signature: WireSignature): readonly WireSignature[] {
  return membersOf(signature).flatMap((step) => {
    if (step.subtaskType === 'chain') return chainSteps(step);
    refuseUnlessPlain(step);
    return [step];
  });
}

/** Groups within groups run side by side with the rest. */
function flatten(members: readonly WireSignature[]): readonly WireSignature[] {
  return members.flatMap((member) => (member.subtaskType === 'group' ? flatten(membersOf(member)) : [member]));
}

function refuseUnlessPlain(signature: WireSignature): void {
  const { subtaskType } = signature;
  if (subtaskType === 'group' || subtaskType === 'chord' || subtaskType === 'chain')
    throw new CeleriacError('CELERIAC_E_PROTOCOL', `A ${subtaskType} at this place of a workflow is not supported by this version.`);
}

function idOf(signature: WireSignature, context: Context): string {
  return textOf(signature.options.task_id) ?? context.newId();
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function resultTuple(followed: FollowUp): string {
  switch (followed.kind) {
    case 'call':
      return `[[${quoteJson(followed.call.taskId)}, null], null]`;
    case 'group':
      return groupTuple(followed.groupId, followed.calls);
    // The body is no child: the header task that fires it is its parent.
    case 'chord':
      return groupTuple(followed.groupId, followed.header);
  }
}

function groupTuple(groupId: string, calls: readonly FollowUpCall[]): string {
  return `[[${quoteJson(groupId)}, null], [${calls.map(memberTuple).join(', ')}]]`;
}

/** The result of a member that is a chain is that of its last step, with those before it as parents. */
function memberTuple({ call, laterIds = [] }: FollowUpCall): string {
  return [call.taskId, ...laterIds].reduce((parent, id) => `[[${quoteJson(id)}, ${parent}], null]`, 'null');
}
