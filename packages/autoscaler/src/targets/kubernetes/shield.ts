import type { SlimPod } from '../../kubernetes/slim.ts';
import { isActive } from './pod-facts.ts';

/** What keeps Karpenter and the cluster autoscaler from taking a pod's node away. */
export const SHIELD: Readonly<Record<string, string>> = {
  'karpenter.sh/do-not-disrupt': 'true',
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
};
/** On pods whose shield is ours: one that stands in the pod template stays. */
export const SHIELDED_BY_US = 'celeriac.dev/shield';

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
 */
export function shieldPatches(nowMs: number, pods: readonly SlimPod[], busyAtMs: ReadonlyMap<string, number>): readonly PodPatch[] {
  const up: PodPatch[] = [];
  const down: PodPatch[] = [];
  for (const pod of pods) {
    if (!isActive(pod)) continue;
    const since = busyAtMs.get(pod.uid);
    const ours = pod.annotations[SHIELDED_BY_US] !== undefined;
    const stands = Object.entries(SHIELD).every(([name, value]) => pod.annotations[name] === value);
    if (since === nowMs && !stands) up.push({ pod, annotations: { ...SHIELD, [SHIELDED_BY_US]: 'busy' } });
    else if (ours && since !== undefined && nowMs - since >= IDLE_MS) down.push({ pod, annotations: withoutShield(pod) });
  }
  return [...up, ...down].slice(0, PATCHES);
}

function withoutShield(pod: SlimPod): Readonly<Record<string, null>> {
  const names = [...Object.keys(SHIELD), SHIELDED_BY_US].filter((name) => pod.annotations[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, null]));
}
