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
    /** Pods that there was room for. */
    readonly room: number;
    /** The quotas' limits then, see {@link GrowthInput}. */
    readonly limits: string;
  } | null;
}

/** What is seen of it now. */
export interface GrowthInput {
  readonly nowMs: number;
  /** Pods that are stuck, the oldest first. */
  readonly stuck: readonly { readonly reason: string; readonly text: string }[];
  /** What the API server said when the ReplicaSet controller could not make a pod; null where that is not so now. */
  readonly refusal: string | null;
  /** The controller still says that it could not make a pod, of now or of before. */
  readonly refusalNoted: boolean;
  /** Pods asked for that are not there. */
  readonly missing: number;
  /** Pods that are there. */
  readonly active: number;
  /** The limits of the namespace's quotas, as a text to be compared. */
  readonly limits: string;
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
const QUOTA_KNOWN_MS = 1_000;
const TAKEN_BACK_MS = 500;

/** What is remembered after a look. Pure. */
export function growthAfter(state: GrowthState, input: GrowthInput): GrowthState {
  return { failing: failingAfter(state.failing, input), refused: refusedAfter(state.refused, input) };
}

/** What may be asked for now, where so many pods are stuck. Pure. */
export function growthSeen(nowMs: number, { failing, refused }: GrowthState, stuck: number): GrowthSeen {
  // The one that is stuck is the probe; where it was taken away for want of work, one more may show whether the cause is gone.
  const whileFailing = stuck > 0 ? 0 : 1;
  if (refused !== null) {
    const waits = nowMs < refused.probeAtMs;
    // As many as there was room for may always come back; beyond them only the probe.
    const most = refused.room + (waits ? 0 : 1);
    const pending = failing === null ? most : Math.min(most, whileFailing);
    return { kind: 'limited', pending, most, reason: `FailedCreate: ${refused.text}`, untilMs: waits ? refused.probeAtMs : null };
  }
  if (failing === null) return { kind: 'open' };
  return { kind: 'limited', pending: whileFailing, reason: `${failing.reason}: ${failing.text}`, untilMs: null };
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

function refusedAfter(refused: GrowthState['refused'], input: GrowthInput): GrowthState['refused'] {
  const { nowMs, refusal, missing, active, askedAtMs, limits } = input;
  const asked = refused !== null && askedAtMs !== null && askedAtMs > refused.atMs;
  if (refusal !== null && missing > 0 && (refused === null || asked)) {
    const count = (refused?.count ?? 0) + 1;
    const atMs = Math.max(nowMs, askedAtMs ?? nowMs);
    const probeAtMs = atMs + Math.min(LONGEST_PROBE_MS, PROBE_MS * 2 ** (count - 1));
    return { text: refusal, count, atMs, probeAtMs, room: active, limits };
  }
  if (refused === null) return null;
  // All that was asked for since the refusal has been made, and it is more than there was room for.
  if (asked && missing === 0 && active > refused.room) return null;
  const text = missing > 0 ? (refusal ?? refused.text) : refused.text;
  // What was noted before is taken back when nothing is missing; a probe before that would count as refused unseen.
  const probeAtMs = input.refusalNoted && missing === 0 ? Math.max(refused.probeAtMs, nowMs + TAKEN_BACK_MS) : refused.probeAtMs;
  const known = { ...refused, text, probeAtMs };
  // The pods that were made may show after the refusal of the others.
  if (!asked && active > refused.room) return { ...known, room: active };
  // Somebody changed a quota: worth a probe as soon as the API server's admission must have heard of it, too.
  return limits === refused.limits ? known : { ...known, count: 0, probeAtMs: nowMs + QUOTA_KNOWN_MS, limits };
}
