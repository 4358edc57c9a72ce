import type { GrowthSeen } from '../../decide/seen.ts';

/** What speaks against more pods, remembered from one look to the next. Plain data. */
export interface GrowthState {
  /** Pods that would not come up; stands until one does, or the Deployment is another. */
  readonly failing: { readonly reason: string; readonly text: string; readonly sinceMs: number; readonly revision: string | null } | null;
  /** Pods that could not even be made: quota, limit range, webhook. */
  readonly refused: {
    readonly text: string;
    /** Refusals in a row. */
    readonly count: number;
    readonly atMs: number;
    /** When one more may be asked for, epoch ms. */
    readonly probeAtMs: number;
  } | null;
}

/** What is seen of it now. */
export interface GrowthInput {
  readonly nowMs: number;
  /** Pods that are stuck, the oldest first. */
  readonly stuck: readonly { readonly reason: string; readonly text: string }[];
  /** What the API server said when the ReplicaSet controller could not make a pod; null where that is not so now. */
  readonly refusal: string | null;
  /** Pods asked for that are not there. */
  readonly missing: number;
  /** When pods were last asked for, epoch ms; null for never. */
  readonly askedAtMs: number | null;
  /** When the youngest pod whose worker is up began, epoch ms; null for none. */
  readonly upSinceMs: number | null;
  /** The Deployment's revision. */
  readonly revision: string | null;
}

export const noGrowthTrouble: GrowthState = { failing: null, refused: null };

const PROBE_MS = 60_000;
const LONGEST_PROBE_MS = 300_000;

/** What is remembered after a look. Pure. */
export function growthAfter(state: GrowthState, input: GrowthInput): GrowthState {
  return { failing: failingAfter(state.failing, input), refused: refusedAfter(state.refused, input) };
}

/** What may be asked for now. Pure. */
export function growthSeen(nowMs: number, { failing, refused }: GrowthState, stuck: number): GrowthSeen {
  if (refused !== null) {
    const waits = nowMs < refused.probeAtMs;
    const reason = `FailedCreate: ${refused.text}`;
    return { kind: 'limited', pending: waits ? 0 : 1, reason, untilMs: waits ? refused.probeAtMs : null };
  }
  if (failing === null) return { kind: 'open' };
  // The one that is stuck is the probe; where it was taken away for want of work, one more may show whether the cause is gone.
  return { kind: 'limited', pending: stuck > 0 ? 0 : 1, reason: `${failing.reason}: ${failing.text}`, untilMs: null };
}

function failingAfter(failing: GrowthState['failing'], { nowMs, stuck, upSinceMs, revision }: GrowthInput): GrowthState['failing'] {
  const [first] = stuck;
  if (first !== undefined) {
    const sinceMs = failing?.sinceMs ?? nowMs;
    return { reason: first.reason, text: first.text, sinceMs, revision };
  }
  if (failing === null) return null;
  const cameUp = upSinceMs !== null && upSinceMs >= failing.sinceMs;
  return cameUp || failing.revision !== revision ? null : failing;
}

function refusedAfter(refused: GrowthState['refused'], { nowMs, refusal, missing, askedAtMs }: GrowthInput): GrowthState['refused'] {
  if (refusal !== null && missing > 0) {
    const again = refused !== null && askedAtMs !== null && askedAtMs > refused.atMs;
    if (refused !== null && !again) return refused.text === refusal ? refused : { ...refused, text: refusal };
    const count = (refused?.count ?? 0) + 1;
    const atMs = Math.max(nowMs, askedAtMs ?? nowMs);
    return { text: refusal, count, atMs, probeAtMs: atMs + Math.min(LONGEST_PROBE_MS, PROBE_MS * 2 ** (count - 1)) };
  }
  // All that was asked for since the refusal has been made.
  const made = refused !== null && missing === 0 && askedAtMs !== null && askedAtMs > refused.atMs;
  return made ? null : refused;
}
