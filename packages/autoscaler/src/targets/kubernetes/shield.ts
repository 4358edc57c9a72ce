import type { SlimPod } from '../../kubernetes/slim.ts';
import { DELETION_COST, deletionCostOf, isActive, isMarked } from './pod-facts.ts';

/** What keeps Karpenter and the cluster autoscaler from taking a pod's node away. */
export const SHIELD: Readonly<Record<string, string>> = {
  'karpenter.sh/do-not-disrupt': 'true',
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
};
/** On pods whose shield is ours: one that stands in the pod template stays. */
export const SHIELDED_BY_US = 'celeriac.dev/shield';
/** On busy pods whose deletion cost we have raised: the cost that stood there before, empty for none. */
export const COST_BEFORE_BUSY = 'celeriac.dev/deletion-cost-before-busy';
/** By so much: more than what anybody sets by hand to order pods among each other. */
const RAISE = 2_000;
const HIGHEST = 2 ** 31 - 1;

/** One pod's annotations to change; null takes one away. */
export interface PodPatch {
  readonly pod: SlimPod;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** Not taken off before it has been idle for so long: short tasks would make it flap, ms. */
const IDLE_MS = 10_000;
/** Pods changed in one turn at most; the rest follow. */
const PATCHES = 20;

/**
 * Which shields to put up and to take down: pods with work carry one, from the turn in which it is seen until they have been idle for a
 * while. One that a dead autoscaler left behind looks like ours and is taken down alike. Pods told to go keep what they have. Pure.
 * @param busyAtMs when a pod last held work, or it could not be ruled out, by uid, epoch ms
 * @param raisesCost with the shield goes a higher deletion cost, so that a shrink by somebody else takes those without it first
 */
export function shieldPatches(
  nowMs: number,
  pods: readonly SlimPod[],
  busyAtMs: ReadonlyMap<string, number>,
  { raisesCost = false }: { readonly raisesCost?: boolean } = {},
): readonly PodPatch[] {
  const up: PodPatch[] = [];
  const down: PodPatch[] = [];
  for (const pod of pods) {
    if (!isActive(pod)) continue;
    const since = busyAtMs.get(pod.uid);
    const ours = pod.annotations[SHIELDED_BY_US] !== undefined;
    const stands = Object.entries(SHIELD).every(([name, value]) => pod.annotations[name] === value);
    const raises = raisesCost && pod.annotations[COST_BEFORE_BUSY] === undefined && !isMarked(pod);
    if (since === nowMs && (!stands || raises)) {
      // A shield of the pod template is not ours to take down.
      const shield = stands ? {} : { ...SHIELD, [SHIELDED_BY_US]: 'busy' };
      up.push({ pod, annotations: { ...shield, ...(raises ? raisedCost(pod) : {}) } });
    } else if (since !== undefined && nowMs - since >= IDLE_MS) {
      const annotations = { ...(ours ? withoutShield(pod) : {}), ...formerCost(pod) };
      if (Object.keys(annotations).length > 0) down.push({ pod, annotations });
    }
  }
  return [...up, ...down].slice(0, PATCHES);
}

function withoutShield(pod: SlimPod): Readonly<Record<string, null>> {
  const names = [...Object.keys(SHIELD), SHIELDED_BY_US].filter((name) => pod.annotations[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, null]));
}

function raisedCost(pod: SlimPod): Readonly<Record<string, string>> {
  const cost = Math.min(HIGHEST, deletionCostOf(pod) + RAISE);
  return { [DELETION_COST]: String(cost), [COST_BEFORE_BUSY]: pod.annotations[DELETION_COST] ?? '' };
}

/** The cost as it stood before it was raised; nothing to change where it was not, or where a mark of ours stands in its place. */
function formerCost(pod: SlimPod): Readonly<Record<string, string | null>> {
  const before = pod.annotations[COST_BEFORE_BUSY];
  if (before === undefined || isMarked(pod)) return {};
  return { [DELETION_COST]: before === '' ? null : before, [COST_BEFORE_BUSY]: null };
}
