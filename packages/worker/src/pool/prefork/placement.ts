import type { ChildLink } from './child-link.ts';
import type { Slot } from './slot.ts';

/** What placement goes by. */
export interface PlacementRules {
  readonly voidMs: number;
  readonly pipelineDepth: number;
  readonly maxTasksPerChild: number;
}

/** Bodies larger than this do not wait in a child: its memory and its socket stay small. */
const MAX_WAITING_BODY_BYTES = 64 * 1_024;

/** How many jobs may be in one child where they take `averageMs` each: about 20 ms of work, which is what waiting behind others may cost. */
export function depthFor(averageMs: number, voidMs: number, most: number): number {
  return Math.max(2, Math.min(most, Math.floor(voidMs / Math.max(averageMs, 0.001))));
}

/** Whether a job of this size may wait behind another. */
export function mayWait(pipelined: boolean, bodyBytes: number): boolean {
  return pipelined && bodyBytes <= MAX_WAITING_BODY_BYTES;
}

/** How many more short jobs the slot's child would take. */
export function roomBehind(slot: Slot, nowMs: number, depth: number, rules: PlacementRules): number {
  const { link } = slot;
  if (slot.leaving || link === null || !link.open || !slot.resting || slot.wantsReplacement) return slot.idle ? 1 : 0;
  const left = rules.maxTasksPerChild - link.sent;
  if (link.load === 0) return Math.min(depth, left);
  if (!runsShort(link, nowMs, rules.voidMs)) return 0;
  return Math.max(0, Math.min(depth - link.load, left));
}

/** Everything in the child is known to be short, and what runs has not run long yet. */
function runsShort(link: ChildLink, nowMs: number, voidMs: number): boolean {
  return link.holdsShortOnly && (link.running === null || nowMs - link.running.begunAtMs < voidMs);
}

/** The slot to start a job in: an idle one. */
export function idleSlot(slots: readonly Slot[]): Slot | undefined {
  for (const slot of slots) if (slot.idle) return slot;
  return undefined;
}

/** The slot for a short job: the one with the fewest jobs that has room. */
export function shortestSlot(slots: readonly Slot[], nowMs: number, depth: number, rules: PlacementRules): Slot | undefined {
  let best: Slot | undefined;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const slot of slots) {
    const load = slot.link?.load ?? Number.POSITIVE_INFINITY;
    if (load >= bestLoad || roomBehind(slot, nowMs, depth, rules) === 0) continue;
    if (load === 0) return slot;
    best = slot;
    bestLoad = load;
  }
  return best;
}
